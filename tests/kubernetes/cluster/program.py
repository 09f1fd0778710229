"""A process of the cluster, as it is planned. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tests.kubernetes.cluster.layout import Node


@dataclass(frozen=True, slots=True)
class Program:
    """A process that runs as long as the cluster does."""

    name: str
    """Name of its log and of its pid's file."""
    command: tuple[str, ...]
    inside: Node | None = None
    """The node whose namespaces it runs in; None for those of the host."""


def options(**values: object) -> tuple[str, ...]:
    """Return command line options: `bind_address="::1"` is `--bind-address=::1`."""
    return tuple(f"--{name.replace('_', '-')}={value}" for name, value in values.items())
