"""Partition and isolate: cut nodes off from the other nodes, or from clients too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from stanlocal.engine.base import Ability
from stanlocal.errors import Unsupported
from stanlocal.faults.base import Fault, Scene
from stanlocal.faults.expectation import Expectation, lock_kept, names, nothing_follows
from stanlocal.model.fault_record import Condition
from stanlocal.model.states import GroupState, GroupStatus, NodeStatus
from stanlocal.util.tasks import all_to_end


def check_cuttable(scene: Scene) -> None:
    """Raise `Unsupported` if the nodes reach each other through servers that the engine cannot cut off."""
    engine = scene.group.engine
    if scene.plan.external_nats and not engine.placement.own_network:
        raise Unsupported(
            f"{names(scene.targets)} cannot be cut off with the {engine.name} engine, because nodes meet at "
            f"{scene.plan.external_nats[0]}, which is not the group's; use one made with '--engine docker'"
        )


async def _try_out(scene: Scene, *, routes_only: bool) -> None:
    group = scene.group
    await group.engine.check_cut(group.name, [node.name for node in scene.targets], routes_only=routes_only)


@dataclass(frozen=True, slots=True)
class Partition(Fault):
    """A cut of the node's routes alone: it keeps its clients, the store and, if active, the store lock."""

    name: ClassVar[str] = "partition"
    summary: ClassVar[str] = "cut a node's routes to the others; clients still reach it"
    needs: ClassVar[tuple[Ability, ...]] = ("cut",)
    leaves: ClassVar[Condition | None] = "unrouted"

    def check(self, scene: Scene) -> None:
        check_cuttable(scene)

    async def try_out(self, scene: Scene) -> None:
        await _try_out(scene, routes_only=True)

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        if status.active is None:
            text = "no failover: no node served before"
            return nothing_follows(text, status, (status.state,), active=None)
        if any(node.name == status.active for node in targets):
            text = (
                f"no failover: {status.active} keeps the store lock and serves its own clients; the others "
                "miss its heartbeats, try for the lock in vain, and their clients are not served"
            )
        else:
            text = (
                f"no failover: {status.active} serves on; without its heartbeats the store lock is tried for "
                f"in vain on {names(targets)}, and clients there are not served"
            )
        return nothing_follows(text, status, (GroupState.DEGRADED,), active=status.active)

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        engine = scene.group.engine
        await all_to_end(*(engine.disconnect_routes(scene.plan, node.name) for node in scene.targets))
        return dict.fromkeys((node.name for node in scene.targets), datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Isolate(Fault):
    """A cut of all the node's connections: it keeps the store and, if active, the store lock."""

    name: ClassVar[str] = "isolate"
    summary: ClassVar[str] = "cut a node off from nodes and clients; an active one keeps the store lock"
    needs: ClassVar[tuple[Ability, ...]] = ("cut",)
    leaves: ClassVar[Condition | None] = "isolated"

    def check(self, scene: Scene) -> None:
        check_cuttable(scene)

    async def try_out(self, scene: Scene) -> None:
        await _try_out(scene, routes_only=False)

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        return lock_kept(
            status,
            targets,
            holder="lives and keeps the store lock, so that no standby can take over, and no client "
            "reaches it; the group is blocked until it is healed or killed",
            otherwise=f"{names(targets)}, cut off, cannot take over",
        )

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        engine = scene.group.engine
        await all_to_end(*(engine.isolate(scene.plan, node.name) for node in scene.targets))
        return dict.fromkeys((node.name for node in scene.targets), datetime.now(UTC))
