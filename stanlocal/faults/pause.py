"""Freezes processes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from stanlocal.errors import GroupError
from stanlocal.faults.base import Condition
from stanlocal.group import Group
from stanlocal.states import GroupStatus, NodeStatus


@dataclass(frozen=True, slots=True)
class Pause:
    """The process stands still and keeps everything that it has, the store lock among it."""

    name: ClassVar[str] = "pause"
    summary: ClassVar[str] = "freeze a node; it keeps its connections and, if active, the store lock"
    leaves: ClassVar[Condition | None] = "frozen"
    ends_run: ClassVar[bool] = False

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> str:
        frozen = [node.name for node in targets if node.holds_store]
        if frozen:
            return (
                f"no failover: {' and '.join(frozen)} keeps the store lock while frozen, so that nobody can "
                "take over; the group is blocked until it is unpaused or killed"
            )
        return "no failover: the active node serves on; the frozen standby cannot take over"

    async def inject(self, group: Group, targets: Sequence[NodeStatus]) -> Mapping[str, datetime]:
        for node in targets:
            if not node.instance.running:
                raise GroupError(f"{node.name} does not run ({node.state.value}); start it before pausing it")
        await asyncio.gather(*(group.engine.pause(node.name) for node in targets))
        return dict.fromkeys((node.name for node in targets), datetime.now(UTC))
