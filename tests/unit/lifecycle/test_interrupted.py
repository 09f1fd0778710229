"""Commands that are cut short at every single call of the engine leave nothing that the next does not fix."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from stanlocal.faults import healing, injection
from stanlocal.faults.expire_lock import ExpireLock
from stanlocal.group.core import Group
from stanlocal.lifecycle import up as bring_up
from stanlocal.lifecycle.down import down
from stanlocal.model.states import GroupState
from stanlocal.store.guard.drafts import SUFFIX
from stanlocal.testing.fake.machine import FakeMachine
from tests.support.interrupting import Interruptions, Killed, When
from tests.support.torn_store import is_whole, put_a_message, tear
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


async def part(world: World, group: Group) -> Any:
    """Injects a fault that freezes the nodes, copies the store, and lets the lock expire."""
    return await injection.inject(group, ExpireLock())


async def with_a_message(world: World, group: Group) -> None:
    """A group that is up, with a message in its store."""
    await up(world, group)
    put_a_message(world)


async def killed_at(
    world: World, command: Command, at: int, when: When, calls: list[str] | None = None
) -> bool:
    """Return whether the command reached that call, and was killed there; `calls` gets those it made."""

    def kill() -> None:
        task.cancel()  # also when the call was made by another task of the command
        raise Killed

    interruptions = Interruptions(world.engine, at, when, kill, lasting=True)
    task = asyncio.ensure_future(command(world, world.group(interruptions.engine)))
    await asyncio.gather(task, return_exceptions=True)
    if calls is not None:
        calls.extend(interruptions.calls[:at])
    return len(interruptions.calls) >= at


async def cancelled_at(world: World, command: Command, at: int, when: When) -> bool:
    """Return whether the command reached that call, and was cancelled there."""
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


async def is_as_before(world: World) -> None:
    """Assert that no node is frozen or cut off, and that the store is whole, without incomplete copies."""
    world.machine.troubles.clear()
    await healing.start(world.group(), ["@all"])  # heals first, as any command does that changes the group
    assert not any(node.paused for node in (await world.group().look()).status.nodes)
    await healing.heal(world.group())
    status = await world.group().wait(
        lambda status: status.state is GroupState.HEALTHY, timeout=5, waiting_for="a healthy group"
    )
    assert not any(node.paused or node.partitioned for node in status.nodes)
    assert is_whole(world)
    assert not list(world.home.folder.rglob(f"*{SUFFIX}"))
    assert not any(fault.in_force for fault in world.home.journal.faults())


async def test_heal_after_a_damage_to_the_store_that_was_killed(world: World, when: When) -> None:
    await sweep(world.folder, with_a_message, lambda w, at: killed_at(w, tear, at, when), is_as_before)


async def test_up_after_a_damage_to_the_store_that_was_killed(world: World, when: When) -> None:
    async def comes_up_again(w: World) -> None:
        w.machine.troubles.clear()
        await comes_up(w)

    await sweep(world.folder, with_a_message, lambda w, at: killed_at(w, tear, at, when), comes_up_again)


async def test_heal_after_an_expired_lock_that_was_killed(world: World, when: When) -> None:
    """Up to the moment at which the routes are cut: a lock in memory does not expire."""

    async def cut(w: World, at: int) -> bool:
        interruptions: list[str] = []
        reached = await killed_at(w, part, at, when, interruptions)
        return reached and "disconnect_routes" not in interruptions[:-1]

    await sweep(world.folder, with_a_message, cut, is_as_before)


@pytest.mark.parametrize("command", [tear, part])
async def test_nodes_that_a_killed_copy_left_frozen_are_thawed(
    world: World, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_a_message(world, world.group())

    def killed(store: Path, to: Path) -> int:
        to.with_name(f"{to.name}{SUFFIX}").mkdir(parents=True)
        raise Killed

    engine = Interruptions(world.engine, MOST_CALLS, "before", lambda: None).engine
    with monkeypatch.context() as patch:
        patch.setattr("stanlocal.group.store_snapshots.copy_store", killed)
        patch.setattr(engine, "unpause", _killed, raising=False)
        with pytest.raises(Killed):
            await command(world, world.group(engine))
    assert {node.instance.status for node in (await world.group().look()).status.nodes} == {"paused"}
    await is_as_before(world)


async def _killed(node: str) -> None:
    raise Killed


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


async def test_a_repair_that_is_cancelled_loses_no_node_and_leaves_no_option_on(
    world: World, when: When
) -> None:
    async def up_and_stopped(w: World, group: Group) -> None:
        await up(w, group)
        for name in w.machine.nodes:
            await w.engine.stop(name, 0)

    async def repair(w: World, group: Group) -> Any:
        return await healing.repair_store(group)

    async def has_its_nodes(w: World) -> None:
        found = await w.engine.instances("t")
        assert [each.name for each in found] == ["t-0", "t-1"]
        assert not any(each.plan.node(each.name).arguments for each in found)

    await sweep(world.folder, up_and_stopped, lambda w, at: cancelled_at(w, repair, at, when), has_its_nodes)
