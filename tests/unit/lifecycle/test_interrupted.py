"""Commands that are cut short at every single call of the engine: what is left, and how it is put right."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from stanlocal.group.core import Group
from stanlocal.lifecycle import up as bring_up
from stanlocal.lifecycle.down import down
from stanlocal.model.states import GroupState
from tests.support.fake_machine import FakeMachine
from tests.support.interrupting import Interruptions, Killed, When
from tests.support.world import World

Command = Callable[[World, Group], Awaitable[Any]]

MOST_CALLS = 200
"""More than any of the commands makes."""


async def up(world: World, group: Group) -> Any:
    return await bring_up.up(group, world.request())


async def up_changed(world: World, group: Group) -> Any:
    return await bring_up.up(group, world.request(streaming={"hb_interval": "7s"}))


async def purge(world: World, group: Group) -> Any:
    return await down(group, purge_store=True)


async def killed_at(world: World, command: Command, at: int, when: When) -> bool:
    """Whether the command got as far as that call, and was killed there."""

    def kill() -> None:
        task.cancel()  # also when the call was made by another task of the command
        raise Killed

    interruptions = Interruptions(world.engine, at, when, kill, lasting=True)
    task = asyncio.ensure_future(command(world, world.group(interruptions.engine)))
    await asyncio.gather(task, return_exceptions=True)
    return len(interruptions.calls) >= at


async def cancelled_at(world: World, command: Command, at: int, when: When) -> bool:
    """Whether the command got as far as that call, and was cancelled there."""
    interruptions = Interruptions(world.engine, at, when, lambda: task.cancel())
    task = asyncio.ensure_future(command(world, world.group(interruptions.engine)))
    await asyncio.gather(task, return_exceptions=True)
    return len(interruptions.calls) >= at


@pytest.fixture(params=["before", "after"])
def when(request: pytest.FixtureRequest) -> When:
    """Relative to the call's effect."""
    when: When = request.param
    return when


async def sweep(
    folder: Path,
    prepare: Command | None,
    cut: Callable[[World, int], Awaitable[bool]],
    check: Callable[[World], Awaitable[None]],
) -> None:
    for at in range(1, MOST_CALLS):
        machine = FakeMachine()
        world = World(folder / str(at), machine)
        world.folder.mkdir()
        if prepare is not None:
            await prepare(world, world.group())
        reached = await cut(world, at)
        try:
            await check(world)
        except Exception as error:
            error.add_note(f"cut at call {at}")
            raise
        finally:
            machine.shut_down()
        if not reached:
            assert at > 3, "the command made hardly a call"
            return
    raise AssertionError(f"more than {MOST_CALLS} calls")


async def comes_up(world: World) -> None:
    look = await world.up()
    assert look.status.state is GroupState.HEALTHY
    assert sorted(world.machine.nodes) == ["t-0", "t-1"]


async def goes_away(world: World) -> None:
    await down(world.group(), timeout=0, purge_store=True)
    assert world.left == {}


async def test_up_after_an_up_that_was_killed(world: World, when: When) -> None:
    await sweep(world.folder, None, lambda w, at: killed_at(w, up, at, when), comes_up)


async def test_down_after_an_up_that_was_killed(world: World, when: When) -> None:
    await sweep(world.folder, None, lambda w, at: killed_at(w, up, at, when), goes_away)


async def test_up_after_a_replacement_that_was_killed(world: World, when: When) -> None:
    await sweep(world.folder, up, lambda w, at: killed_at(w, up_changed, at, when), comes_up)


async def test_down_after_a_down_that_was_killed(world: World, when: When) -> None:
    await sweep(world.folder, up, lambda w, at: killed_at(w, purge, at, when), goes_away)


async def test_up_after_a_down_that_was_killed(world: World, when: When) -> None:
    await sweep(world.folder, up, lambda w, at: killed_at(w, purge, at, when), comes_up)


async def test_an_up_that_is_cancelled_leaves_nothing(world: World, when: When) -> None:
    async def nothing_or_all(w: World) -> None:
        assert w.left == {} or (await w.group().look()).status.state is GroupState.HEALTHY

    await sweep(world.folder, None, lambda w, at: cancelled_at(w, up, at, when), nothing_or_all)


async def test_up_after_a_replacement_that_was_cancelled(world: World, when: When) -> None:
    async def comes_up_over_its_store(w: World) -> None:
        await comes_up(w)
        assert all(store.written for store in w.machine.stores.values())
        assert len(w.machine.stores) == 1

    await sweep(
        world.folder, up, lambda w, at: cancelled_at(w, up_changed, at, when), comes_up_over_its_store
    )
