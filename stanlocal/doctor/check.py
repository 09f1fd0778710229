"""`Check`: the outcome of one check."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check."""

    name: str
    ok: bool
    detail: str
    cure: str | None = None
    """Advice to the user on how to fix it; None if all is well."""
    commands: tuple[str, ...] = ()
    """Shell commands that do so, or show more; words in capitals are the user's to fill in."""
    fix: Callable[[], Awaitable[object]] | None = None
    """Fix the problem without the user; None if that is impossible."""
    where: str | None = None
    """Object and field, or file and line, that the check is about; None if it is about no single one."""
    seen: bool = True
    """False if the caller may not see what the check is about; `ok` says nothing then."""
