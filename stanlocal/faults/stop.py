"""Ends processes the polite way, and restarts them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from stanlocal.faults.base import Condition, takeover
from stanlocal.group import Group
from stanlocal.plan import STOP_GRACE_S
from stanlocal.states import GroupStatus, NodeStatus


@dataclass(frozen=True, slots=True)
class Stop:
    """SIGTERM; SIGKILL when the grace is over. A standby takes over no faster than after a kill."""

    name: ClassVar[str] = "stop"
    summary: ClassVar[str] = "stop a node (SIGTERM, then SIGKILL after the grace)"
    leaves: ClassVar[Condition | None] = "ended"
    ends_run: ClassVar[bool] = True

    grace_s: float = STOP_GRACE_S

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> str:
        return takeover(status, targets)

    async def inject(self, group: Group, targets: Sequence[NodeStatus]) -> Mapping[str, datetime]:
        running = [node for node in targets if node.instance.running]
        times = await asyncio.gather(*(group.stop(node.name, self.grace_s) for node in running))
        return {node.name: time for node, time in zip(running, times, strict=True)}


@dataclass(frozen=True, slots=True)
class Restart:
    """A stop and a start, node after node; a node that does not run is started."""

    name: ClassVar[str] = "restart"
    summary: ClassVar[str] = "stop a node and start it again"
    leaves: ClassVar[Condition | None] = None
    ends_run: ClassVar[bool] = True

    grace_s: float = STOP_GRACE_S

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> str:
        return f"{takeover(status, targets)}; the restarted come back as standbys"

    async def inject(self, group: Group, targets: Sequence[NodeStatus]) -> Mapping[str, datetime]:
        times = {}
        for node in targets:
            if node.instance.running:
                times[node.name] = await group.stop(node.name, self.grace_s)
            await group.start(node.name)
        return times
