"""What a fault is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Literal, Protocol

from stanlocal.group import Group
from stanlocal.states import GroupStatus, NodeStatus

Condition = Literal["ended", "frozen"]
"""What a fault leaves behind on a node: no process, or one that does not run."""


class Fault(Protocol):
    """One kind of fault with its parameters; stateless otherwise."""

    name: ClassVar[str]
    """As commands, the journal and drills call it."""
    summary: ClassVar[str]
    """One line for people."""
    leaves: ClassVar[Condition | None]
    """What has to be put right afterwards; None for a fault that ends by itself."""
    ends_run: ClassVar[bool]
    """Whether the processes that it hits are to end by it."""

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> str:
        """What will happen, from what the group is now. Pure."""

    async def inject(self, group: Group, targets: Sequence[NodeStatus]) -> Mapping[str, datetime]:
        """Does it; returns, once the engine confirms the effect, when each target was hit."""


def takeover(status: GroupStatus, targets: Sequence[NodeStatus]) -> str:
    """What the end of these nodes' processes brings."""
    hit = {node.name for node in targets}
    standbys = [node.name for node in status.nodes if node.usable_standby and node.name not in hit]
    if not any(node.serves for node in targets):
        return "no failover: no active node is hit" + ("" if standbys else "; no standby is left")
    if not standbys:
        return "no node serves afterwards: no standby is there to take over"
    who = standbys[0] if len(standbys) == 1 else f"one of {', '.join(standbys)}"
    return f"failover: {who} takes the store lock within 1.4 s, reads the store and serves"
