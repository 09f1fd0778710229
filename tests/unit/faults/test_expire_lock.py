"""Healing of an expired lock while something else keeps a third node from standing by."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stanlocal.faults import expire_lock, healing, injection
from stanlocal.faults.base import Fault
from stanlocal.faults.cut import Isolate, Partition
from stanlocal.faults.expire_lock import ExpireLock
from stanlocal.faults.kill import Kill
from stanlocal.model.fault_record import FaultRecord
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupState, GroupStatus
from stanlocal.testing.fake.server import Store
from tests.support.world import World


class TwoActives:
    """Servers whose lock can expire, of which the later active panics once it hears the first, `t-0`.

    A standby that hears an active node leaves a free lock alone: with `patient` all of them do.
    """

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, *, patient: bool) -> None:
        self._world = world
        self._patient = patient
        self._rejoin, self._stop = world.engine.rejoin, world.engine.stop
        monkeypatch.setattr(expire_lock, "lock_file", lambda store: self)
        monkeypatch.setattr(expire_lock, "_last_sequences", _none)
        monkeypatch.setattr(expire_lock, "_MEET_S", 0.5)
        monkeypatch.setattr(world.engine, "rejoin", self._meet)
        monkeypatch.setattr(world.engine, "stop", self._free_the_lock)

    @property
    def _store(self) -> Store:
        (store,) = self._world.machine.stores.values()
        return store

    def unlink(self, *, missing_ok: bool) -> None:
        """Let the lock expire: a standby takes it, and the active serves on."""
        self._store.holder = None

    async def _meet(self, plan: GroupPlan, node: str) -> None:
        await self._rejoin(plan, node)
        later = self._store.holder
        if node == "t-0" and later is not None and later.name != node:
            self._store.held_back = self._patient
            later.signal("SIGABRT")

    async def _free_the_lock(self, node: str, grace_s: float) -> None:
        await self._stop(node, grace_s)
        self._store.held_back = False


async def _none(plan: GroupPlan, node: str) -> Mapping[str, int]:
    return {}


async def expired_beside(world: World, other: Fault | None) -> FaultRecord:
    """A group of three with an expired lock on `t-0`, and before that another fault on `t-2`."""
    await world.up(nodes=3)
    group = world.group()
    if other is not None:
        await injection.inject(group, other, ["t-2"])
    return await injection.inject(group, ExpireLock())


async def healed(world: World, record: FaultRecord) -> GroupStatus:
    """The group once the lock is healed, and nothing else."""
    first, third = world.starts["t-0"], world.machine.nodes["t-2"].status
    await healing.heal(world.group(), id_=record.id)
    assert world.starts["t-0"] != first, "its lock was on a deleted file"
    assert world.machine.nodes["t-2"].status == third
    status = (await world.group().look()).status
    assert [node.name for node in status.nodes if node.holds_store] == [status.lock_holder]
    return status


async def test_without_another_fault_the_group_is_healthy_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    TwoActives(world, monkeypatch, patient=True)
    status = await healed(world, await expired_beside(world, None))
    assert status.state is GroupState.HEALTHY


@pytest.mark.parametrize("other", [Partition(), Isolate(), Kill()], ids=lambda fault: fault.name)
async def test_another_fault_stays_and_keeps_no_lock_from_being_healed(
    world: World, monkeypatch: pytest.MonkeyPatch, other: Fault
) -> None:
    TwoActives(world, monkeypatch, patient=True)
    record = await expired_beside(world, other)
    third = world.starts["t-2"]
    await healed(world, record)
    assert world.starts["t-2"] == third
    assert [each.name for each in world.home.journal.faults() if each.in_force] == [other.name]


async def test_of_nodes_that_were_all_killed_since_none_is_started(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    TwoActives(world, monkeypatch, patient=True)
    record = await expired_beside(world, None)
    await injection.inject(world.group(), Kill(), ["@all"])
    await healing.heal(world.group(), id_=record.id)
    assert {node.status for node in world.machine.nodes.values()} == {"exited"}
    assert [each.name for each in world.home.journal.faults() if each.in_force] == ["kill"]


async def test_a_node_that_is_cut_off_and_takes_the_free_lock_loses_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    TwoActives(world, monkeypatch, patient=False)
    await healed(world, await expired_beside(world, Partition()))
    await healing.heal(world.group())
    await world.group().wait(
        lambda status: status.state is GroupState.HEALTHY, timeout=5, waiting_for="a healthy group"
    )
