"""Faults where the journal cannot be written: undone all the same, and the missing record is said."""

from __future__ import annotations

import errno
import os

import pytest

from stanlocal.errors import StateError
from stanlocal.faults import healing, injection
from stanlocal.faults.cut import Isolate
from stanlocal.faults.pause import Pause
from stanlocal.faults.stop import Stop
from stanlocal.model.states import GroupState
from stanlocal.util.durable_write import write_all
from tests.support.world import World


class Disk:
    """The journal's disk, which takes `room` more records."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = 1_000
        self.error = errno.ENOSPC
        self._write = write_all
        monkeypatch.setattr("stanlocal.history.journal.write_all", self._write_if_room)

    def _write_if_room(self, descriptor: int, data: bytes) -> None:
        if self.room <= 0:
            raise OSError(self.error, os.strerror(self.error))
        self.room -= 1
        self._write(descriptor, data)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


async def healthy(world: World) -> None:
    await world.group().wait(
        lambda status: status.state is GroupState.HEALTHY, timeout=60, waiting_for="every node"
    )


async def test_an_injection_whose_effect_cannot_be_recorded_is_undone_at_once(
    world: World, disk: Disk
) -> None:
    await world.up()
    disk.room = 1  # for the intent
    missing = "^pause on t-0 is undone, but the record of that is missing: .*no space"
    with pytest.raises(StateError, match=missing):
        await injection.inject(world.group(), Pause(), ["t-0"])
    assert world.machine.nodes["t-0"].status == "running"


async def test_an_injection_that_is_undone_as_there_was_no_room_for_a_moment_says_so(
    world: World, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up()
    group = world.group()

    def no_room(*_: object) -> None:
        raise StateError("the journal cannot be written")

    monkeypatch.setattr(group.home.journal, "fault_took_effect", no_room)
    with pytest.raises(StateError, match=r"^pause was undone, as it cannot be recorded: the journal"):
        await injection.inject(group, Pause(), ["t-0"])
    assert world.machine.nodes["t-0"].status == "running"
    assert not any(fault.in_force for fault in group.home.journal.faults())


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES])
async def test_heal_undoes_every_fault_on_a_full_disk_and_says_that_the_record_is_missing(
    world: World, disk: Disk, error: int
) -> None:
    await world.up(nodes=3)
    group = world.group()
    await injection.inject(group, Pause(), ["t-0"], for_s=0)  # overdue when it is healed
    await world.engine.pause("t-2")
    disk.room, disk.error = 0, error
    missing = "is undone, but the record of that is missing: .* cannot be written"
    with pytest.raises(StateError, match=missing):
        await healing.heal(group)
    assert {node.status for node in world.machine.nodes.values()} == {"running"}
    disk.room = 1_000
    await healing.heal(group)
    assert not any(fault.in_force for fault in group.home.journal.faults())


async def test_heal_starts_a_node_whose_end_cannot_be_recorded(world: World, disk: Disk) -> None:
    await world.up()
    group = world.group()
    await injection.inject(group, Isolate(), ["t-1"])
    await injection.inject(group, Stop(), ["t-0"])
    await world.engine.start((await group.look()).plan, "t-0")
    await world.engine.signal("t-0", "SIGKILL")  # an end that no fault explains
    await world.engine.wait_exit("t-0")
    disk.room = 0
    with pytest.raises(StateError, match="is undone, but the record of that is missing"):
        await healing.heal(group)
    assert all(each.running and each.routes_connected for each in await world.engine.instances("t"))
    await healthy(world)
