"""Faults that are in force when the group is taken down: those with damage in the store are undone later."""

from __future__ import annotations

import pytest

from stanlocal.errors import NodeNotFound
from stanlocal.faults import healing, injection
from stanlocal.faults.fill_disk import FillDisk
from stanlocal.faults.pause import Pause
from stanlocal.lifecycle.down import down
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupState
from tests.support.torn_store import is_whole, put_a_message, tear
from tests.support.world import World


class Volume:
    """The store of the world's group as a volume that a fault can fill."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.there = True
        monkeypatch.setattr(world.engine, "placement", Placement("fake", fills_any_store=True))
        monkeypatch.setattr(world.engine, "fill_store", self._fill)
        monkeypatch.setattr(world.engine, "free_store", self._free)

    async def _fill(self, plan: GroupPlan) -> None:
        self.full = True

    async def _free(self, plan: GroupPlan) -> None:
        if not self.there:
            raise NodeNotFound("no container 't-store'")
        self.full = False


@pytest.fixture
def volume(world: World, monkeypatch: pytest.MonkeyPatch) -> Volume:
    return Volume(world, monkeypatch)


def in_force(world: World) -> list[str]:
    return [fault.name for fault in world.home.journal.faults() if fault.in_force]


async def down_with_a_torn_store(world: World) -> None:
    await world.up()
    put_a_message(world)
    await tear(world, world.group())
    await down(world.group())
    world.machine.troubles.clear()
    assert not is_whole(world)


async def test_up_restores_a_store_that_was_torn_before_the_group_went_down(world: World) -> None:
    await down_with_a_torn_store(world)
    look = await world.up()
    assert look.status.state is GroupState.HEALTHY
    assert is_whole(world)
    assert not in_force(world)


async def test_heal_restores_the_torn_store_of_a_group_that_is_down(world: World) -> None:
    await down_with_a_torn_store(world)
    assert [fault.name for fault in await healing.heal(world.group())] == ["truncate-store"]
    assert is_whole(world)
    assert not in_force(world)


async def test_the_status_of_a_group_that_is_down_names_the_fault_in_its_store(world: World) -> None:
    await down_with_a_torn_store(world)
    group = world.group()
    document = group.document(await group.look())
    assert (document["state"], document["nodes"]) == ("down", [])
    assert [fault["name"] for fault in document["faults"]] == ["truncate-store"]


async def test_up_frees_a_store_that_was_full_before_the_group_went_down(
    world: World, volume: Volume
) -> None:
    await world.up()
    await injection.inject(world.group(), FillDisk())
    await down(world.group())
    assert (in_force(world), volume.full) == (["fill-disk"], True)
    await world.up()
    assert (in_force(world), volume.full) == ([], False)


async def test_a_full_store_in_memory_that_is_lost_does_not_keep_the_group_down(
    world: World, volume: Volume
) -> None:
    await world.up()
    await injection.inject(world.group(), FillDisk())
    volume.there = False
    with pytest.raises(NodeNotFound, match="t-store"):
        await healing.heal(world.group())
    await down(world.group())
    await world.up()
    assert not in_force(world)


async def test_a_fault_of_the_nodes_is_over_when_they_are_removed(world: World) -> None:
    await world.up()
    await injection.inject(world.group(), Pause(), ["t-0"])
    await down(world.group())
    assert not in_force(world)
