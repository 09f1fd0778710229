"""A rule's result: what is wrong with a deployment, or what the caller may not see of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a deployment that keeps a standby from taking over, or lets two nodes be active."""

    where: str
    """Object and field, or file and line."""
    detail: str
    cure: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unseen:
    """A part that the caller may not see, so that a rule cannot judge it."""

    where: str
    permission: str
    """Verb and kind that the role lacks."""


Finding = Problem | Unseen
