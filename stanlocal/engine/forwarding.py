"""Ports of this machine for the nodes of a group that cannot be reached from it directly."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, TypeAlias

Address: TypeAlias = tuple[str, int]
"""Host and port."""


@dataclass(frozen=True, slots=True)
class NodeReach:
    """Whether a node's server is reached through its port of this machine."""

    node: str
    address: Address
    problem: str | None
    """Reason why it is not reached; None if it is."""
    replaced: bool = False
    """Whether it is another server than the one that was reached before."""


class Forwarding(Protocol):
    """Ports on 127.0.0.1 for the client ports of a group's nodes, open inside ``async with``.

    A node's port stays while its server is replaced. All of it belongs to the event loop that opened it.
    """

    async def __aenter__(self) -> Forwarding: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def addresses(self, nodes: Collection[str] = ()) -> Mapping[str, Address]:
        """Return the port of each node by its name; each of `nodes` that has none gets one."""

    def changes(self) -> AsyncGenerator[NodeReach]:
        """Yield how each node is reached now, then each change, until it is closed."""
