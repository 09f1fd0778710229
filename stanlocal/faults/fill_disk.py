"""A full disk for this group alone; no real disk is filled.

A store with a limit is filled up; the process engine limits the length of the servers' files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from stanlocal.engine.base import Ability
from stanlocal.errors import NodeNotFound, Refused
from stanlocal.faults.base import Fault, Scene, recover
from stanlocal.faults.expectation import Expectation
from stanlocal.group.core import Group
from stanlocal.model.fault_record import Condition, FaultRecord
from stanlocal.model.states import GroupStatus, NodeStatus


@dataclass(frozen=True, slots=True)
class FillDisk(Fault):
    """No effect until a server has to write; then it panics, and so does each successor."""

    name: ClassVar[str] = "fill-disk"
    summary: ClassVar[str] = (
        "leave no room in the store (with Docker of a group that was started with --store-size)"
    )
    needs: ClassVar[tuple[Ability, ...]] = ("files",)
    leaves: ClassVar[Condition | None] = "other"
    in_store: ClassVar[bool] = True
    costs_data: ClassVar[str | None] = (
        "servers will end in the middle of a write; what was not acknowledged is lost, and a subscription's "
        "file can be torn"
    )
    default_targets: ClassVar[tuple[str, ...]] = ("@all",)

    def check(self, scene: Scene) -> None:
        if scene.plan.store_size is None and not scene.group.engine.placement.fills_any_store:
            raise Refused(
                "fill-disk needs a store with a limit, so that no real disk is filled; start a group with "
                "'stanlocal --group full up --store-size 32mb'"
            )
        if len(scene.targets) != len(scene.status.nodes):
            raise Refused("fill-disk fills the store of all nodes; leave its targets out")

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        return Expectation(
            "nothing until the next publish: that is not acknowledged, the active panics ('no space left on "
            "device', or 'file too large' with processes, exit 2), a standby takes over and panics at its "
            "first write in turn; what was acknowledged before is still there once there is room",
            (status.state,),
            (status.active,) if status.active else (),
        )

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        await scene.group.engine.fill_store(scene.plan)
        return dict.fromkeys((node.name for node in scene.targets), datetime.now(UTC))

    @classmethod
    async def undo(cls, group: Group, fault: FaultRecord, nodes: Collection[str]) -> None:
        """Free the space, and start nodes that ended for lack of it."""
        plan, instances = await group.find()
        try:
            await group.engine.free_store(plan)
        except NodeNotFound:  # what kept a store in memory: the store is lost, unless nodes still use it
            if instances:
                raise
        await recover(group, "ended", nodes)
