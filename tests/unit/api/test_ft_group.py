"""`FTGroup` on the fake machine: however a block over a group ends, the group ends with it."""

from __future__ import annotations

import asyncio

import pytest

from stanlocal.api import FTGroup
from stanlocal.faults.kill import Kill
from stanlocal.lifecycle.orphans import this_process
from stanlocal.model.states import GroupState
from tests.support.world import NAME, World


@pytest.fixture
def group(world: World, monkeypatch: pytest.MonkeyPatch) -> FTGroup:
    monkeypatch.setenv("XDG_STATE_HOME", str(world.folder))
    return FTGroup(group=NAME, engine=world.engine, purge=True)


async def test_it_is_up_within_and_nothing_is_left_afterwards(world: World, group: FTGroup) -> None:
    async with group:
        assert len(world.left["nodes"]) == 2
        assert (await group.document())["state"] == "healthy"
    assert world.left == {}


async def test_an_exception_takes_it_down_and_is_raised(world: World, group: FTGroup) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with group:
            raise LookupError("mine")
    assert world.left == {}


async def test_a_cancelled_block_takes_it_down(world: World, group: FTGroup) -> None:
    within = asyncio.Event()

    async def block() -> None:
        async with group:
            within.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await within.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.left == {}


@pytest.mark.parametrize(
    "made", [{}, {"networks": 1}, {"networks": 2}, {"nodes": 1}, {"nodes": 2}], ids=lambda made: str(made)
)
async def test_cancelled_while_it_comes_up_it_leaves_nothing(
    world: World, group: FTGroup, made: dict[str, int]
) -> None:
    task = asyncio.create_task(group.__aenter__())
    while any(len(world.left.get(kind, ())) < count for kind, count in made.items()):  # noqa: ASYNC110 (turns)
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.left == {}


async def test_a_block_during_a_failover_that_raises_leaves_a_whole_group(
    world: World, group: FTGroup
) -> None:
    async with group:
        with pytest.raises(LookupError):
            async with group.during_failover(Kill()):
                raise LookupError
        assert await group.wait_active(timeout=5)
        assert all(not fault.in_force for fault in await group.faults())


@pytest.fixture
def alone(world: World, monkeypatch: pytest.MonkeyPatch) -> FTGroup:
    """A group without a name."""
    monkeypatch.setenv("XDG_STATE_HOME", str(world.folder))
    return FTGroup(engine=world.engine)


async def test_a_group_without_a_name_leaves_the_default_group_alone(world: World, alone: FTGroup) -> None:
    async with FTGroup(group="stan", engine=world.engine) as kept:
        before = (await kept.document())["nodes"]
        async with alone, FTGroup(engine=world.engine) as another:
            names = {(await group.look()).plan.group for group in (kept, alone, another)}
            assert len(names) == 3
            ports = [p for group in (kept, alone, another) for p in await _ports(group)]
            assert len(ports) == len(set(ports))
        assert (await kept.document())["nodes"] == before
        assert world.left["folders"] == ["stan"]


async def test_a_group_without_a_name_is_bound_to_this_process_and_purged_at_the_end(
    world: World, alone: FTGroup
) -> None:
    async with alone:
        plan = (await alone.look()).plan
        assert plan.bound_to == this_process()
        assert min(await _ports(alone)) > 10_000, "the usual ports are for groups that people know by heart"
    assert world.left == {}


async def test_a_group_without_a_name_has_its_port_and_store_from_its_maker_alone(
    world: World, alone: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANLOCAL_GROUP", "kept")
    monkeypatch.setenv("STANLOCAL_PORT", "4222")
    monkeypatch.setenv("STANLOCAL_STORE_DIR", str(world.folder / "kept"))
    monkeypatch.setenv("STANLOCAL_NODES", "3")
    async with alone:
        plan = (await alone.look()).plan
        assert plan.group.startswith("ftgroup-")
        assert 4222 not in await _ports(alone)
        assert len(plan.nodes) == 3, "what several groups can have counts"
        assert not (world.folder / "kept").exists()


async def _ports(group: FTGroup) -> list[int]:
    return [port for node in (await group.look()).plan.nodes for port in node.host_ports]


async def test_a_named_group_that_ran_goes_on_running_as_it_was_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(world.folder))
    async with FTGroup(group=NAME, engine=world.engine) as before:
        found = (await before.look()).plan
        ids = world.ids
        async with FTGroup(group=NAME, engine=world.engine, purge=True):
            pass
        assert (await before.look()).status.state is GroupState.HEALTHY
        assert world.ids == ids, "no node was made again"
        async with FTGroup(group=NAME, engine=world.engine, nodes=3, purge=True) as larger:
            assert len((await larger.look()).plan.nodes) == 3
            await larger.kill("@active")
            await larger.pause("@standby")
        look = await before.look()
        assert (look.status.state, look.plan.nodes) == (GroupState.HEALTHY, found.nodes)
        assert not [fault for fault in await before.faults() if fault.in_force]
    await before.down(timeout=0, purge=True)
    await before.close()


async def test_a_named_group_that_a_block_brought_up_goes_down_and_keeps_its_store(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(world.folder))
    for purge, left in ((False, {"folders": [NAME]}), (True, {})):
        async with FTGroup(group=NAME, engine=world.engine, purge=purge):
            assert len(world.left["nodes"]) == 2
        assert world.left == left


async def test_one_that_is_dropped_without_closing_warns(world: World, group: FTGroup) -> None:
    groups = [FTGroup(group=NAME, engine=world.engine)]
    await groups[0].down()
    with pytest.warns(ResourceWarning, match="<FTGroup t> was not closed"):
        groups.clear()
