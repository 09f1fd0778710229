"""Stop, restart and rolling restart: end processes by SIGTERM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ClassVar

from stanlocal.engine.base import Ability
from stanlocal.faults.base import Fault, Scene
from stanlocal.faults.expectation import LOCK_WAIT_S, Expectation, after_end
from stanlocal.faults.parameters import parameter
from stanlocal.group.core import Group
from stanlocal.group.retirement import pod_grace
from stanlocal.group.watch import Watch
from stanlocal.model.fault_record import Condition
from stanlocal.model.plan import STOP_GRACE_S
from stanlocal.model.states import GroupState, GroupStatus, NodeStatus
from stanlocal.util.notes import log_note
from stanlocal.util.tasks import all_to_end

_BACK_S = 60.0
"""Seconds that a restarted node may take to be back before the next one is restarted."""


@dataclass(frozen=True, slots=True)
class Stop(Fault):
    """SIGTERM, and SIGKILL when the grace is over; a standby takes over no sooner than after a kill."""

    name: ClassVar[str] = "stop"
    summary: ClassVar[str] = "stop a node (SIGTERM, then SIGKILL after the grace)"
    needs: ClassVar[tuple[Ability, ...]] = ("end",)
    leaves: ClassVar[Condition | None] = "ended"
    ends_run: ClassVar[bool] = True
    holds: ClassVar[bool] = True

    grace_s: float = parameter(STOP_GRACE_S, "--timeout", "Seconds before SIGKILL", "S")

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        return after_end(status, targets, held=True)

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        grace_s = pod_grace(scene.plan, self.grace_s, log_note) if scene.plan.in_cluster else self.grace_s
        await scene.group.engine.hold(scene.plan, [node.name for node in scene.targets])
        running = [node for node in scene.targets if node.instance.running]
        times = await all_to_end(*(scene.group.stop(node.name, grace_s) for node in running))
        return {node.name: time for node, time in zip(running, times, strict=True)}


@dataclass(frozen=True, slots=True)
class Restart(Fault):
    """A stop and a start, node after node; a node that does not run is started."""

    name: ClassVar[str] = "restart"
    summary: ClassVar[str] = "stop a node and start it again"
    needs: ClassVar[tuple[Ability, ...]] = ("end", "start")
    leaves: ClassVar[Condition | None] = None
    ends_run: ClassVar[bool] = True

    grace_s: float = parameter(STOP_GRACE_S, "--timeout", "Seconds before SIGKILL", "S")

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        return after_end(status, targets, back=True)

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        times: dict[str, datetime] = {}
        for node in scene.targets:
            times |= await _restart(scene.group, node, self.grace_s)
        return times


@dataclass(frozen=True, slots=True)
class RollingRestart(Fault):
    """Restarts the standbys first and the active node last, each once the one before is back."""

    name: ClassVar[str] = "rolling-restart"
    summary: ClassVar[str] = "restart node after node, the active last: one failover, no more"
    needs: ClassVar[tuple[Ability, ...]] = ("end", "start")
    leaves: ClassVar[Condition | None] = None
    ends_run: ClassVar[bool] = True
    default_targets: ClassVar[tuple[str, ...]] = ("@all",)

    grace_s: float = parameter(STOP_GRACE_S, "--timeout", "Seconds before SIGKILL", "S")

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        if not any(node.holds_store for node in targets):
            return after_end(status, targets, back=True)
        successors = tuple(node.name for node in status.nodes if not node.holds_store)
        active = next(node.name for node in targets if node.holds_store)
        if not successors:
            return after_end(status, targets, back=True)
        if status.node(active).instance.plan.in_cluster:
            successors += (active,)
        return Expectation(
            f"one failover, when {active} is restarted last: {' or '.join(successors)} takes the store lock "
            f"within {LOCK_WAIT_S} s; afterwards every node is back",
            (GroupState.HEALTHY,),
            successors,
        )

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        times: dict[str, datetime] = {}
        group = scene.group
        async with Watch(group.engine, scene.plan, group.home.journal) as watch:
            for node in sorted(scene.targets, key=lambda node: node.holds_store):
                times |= await _restart(group, node, self.grace_s)
                await watch.refresh()
                await watch.until(
                    partial(GroupStatus.is_back, name=node.name),
                    timeout=_BACK_S,
                    waiting_for=f"{node.name} to be back",
                )
        return times


async def _restart(group: Group, node: NodeStatus, grace_s: float) -> Mapping[str, datetime]:
    """Restart the node; return the time its process ended, empty if it did not run."""
    ended = {node.name: await group.stop(node.name, grace_s)} if node.instance.running else {}
    await group.start(node.name)
    return ended
