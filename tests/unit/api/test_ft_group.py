"""What users hold, on the fake machine: however a block over a group ends, the group ends with it."""

from __future__ import annotations

import asyncio

import pytest

from stanlocal import api
from stanlocal.api import FTGroup
from stanlocal.faults.kill import Kill
from tests.support.world import NAME, World


@pytest.fixture
def group(world: World, monkeypatch: pytest.MonkeyPatch) -> FTGroup:
    monkeypatch.setattr(api, "choose_engine", lambda *_: world.engine)
    monkeypatch.setenv("XDG_STATE_HOME", str(world.folder))
    monkeypatch.setattr(api, "group_home", lambda name: world.home)
    monkeypatch.setattr(api, "reserved_ports", lambda name: frozenset())
    return FTGroup(group=NAME, engine="docker", purge=True)


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


async def test_one_that_is_dropped_without_closing_warns(world: World, group: FTGroup) -> None:
    groups = [FTGroup(group=NAME)]
    await groups[0].core()
    with pytest.warns(ResourceWarning, match="<FTGroup t> was not closed"):
        groups.clear()
