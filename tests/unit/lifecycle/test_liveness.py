"""Restarts of dead nodes: of those that are still dead when the group may be changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from stanlocal.faults import injection
from stanlocal.faults.pause import Pause
from stanlocal.lifecycle import liveness
from stanlocal.model.states import NodeStatus
from tests.support.world import World


async def dead(world: World) -> NodeStatus:
    """A node that has ended without a fault."""
    await world.up()
    await world.engine.signal("t-1", "SIGKILL")
    await world.engine.wait_exit("t-1")
    return (await world.group().look()).status.node("t-1")


async def test_a_dead_node_is_restarted(world: World) -> None:
    node, said = await dead(world), list[str]()
    await liveness.revive(world.group(), node, said.append)
    assert (await world.group().instance("t-1")).running
    assert said == ["t-1 is dead; restarting it"]


async def restart(world: World) -> None:
    await world.group().start("t-1")


async def remove(world: World) -> None:
    await world.engine.remove("t-1")


@pytest.mark.parametrize("other", [restart, remove])
async def test_a_node_that_another_command_has_replaced_meanwhile_is_left_alone(
    world: World, other: Callable[[World], Awaitable[None]]
) -> None:
    node, said = await dead(world), list[str]()
    async with world.group().home.lock(lambda: None):
        reviving = asyncio.create_task(liveness.revive(world.group(), node, said.append))
        await asyncio.sleep(0)  # it waits for the lock
        await other(world)
        starts = world.starts
    await reviving
    assert world.starts == starts
    assert said == []


async def test_a_node_that_a_fault_has_hit_meanwhile_is_left_alone(world: World) -> None:
    await world.up()
    group = world.group()
    node = (await group.look()).status.node("t-1")
    await injection.inject(group, Pause(), ["t-1"])
    said = list[str]()
    await liveness.revive(group, node, said.append)
    assert (await group.instance("t-1")).status == "paused"
    assert said == []
