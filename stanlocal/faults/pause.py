"""Pause: freeze processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from stanlocal.engine.base import Ability
from stanlocal.faults.base import Fault, Scene, must_run
from stanlocal.faults.expectation import Expectation, lock_kept
from stanlocal.model.fault_record import Condition
from stanlocal.model.states import GroupStatus, NodeStatus
from stanlocal.util.tasks import all_to_end


@dataclass(frozen=True, slots=True)
class Pause(Fault):
    """A freeze: the process stops running and keeps everything that it has, including the store lock."""

    name: ClassVar[str] = "pause"
    summary: ClassVar[str] = "freeze a node; it keeps its connections and, if active, the store lock"
    needs: ClassVar[tuple[Ability, ...]] = ("freeze",)
    leaves: ClassVar[Condition | None] = "frozen"

    def check(self, scene: Scene) -> None:
        must_run(scene)

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        return lock_kept(
            status,
            targets,
            holder="keeps the store lock while frozen, so that no standby can take over; the group is "
            "blocked until it is unpaused or killed",
            otherwise="a frozen standby cannot take over",
        )

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        await all_to_end(*(scene.group.engine.pause(node.name) for node in scene.targets))
        return dict.fromkeys((node.name for node in scene.targets), datetime.now(UTC))
