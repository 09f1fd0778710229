"""Restarts of dead nodes: of those that are still dead when the group may be changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from stanlocal.errors import PortInUse
from stanlocal.faults import injection
from stanlocal.faults.pause import Pause
from stanlocal.lifecycle import liveness
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupState, NodeStatus
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


class Said:
    """What was reported, and the wait for it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = asyncio.Event()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self._more.set()

    async def next(self) -> str:
        async with asyncio.timeout(60):
            await self._more.wait()
        self._more.clear()
        return self.lines[-1]


async def test_the_checks_outlive_an_engine_that_is_away_for_a_while(world: World) -> None:
    await world.up()
    said = Said()
    check = liveness.LivenessCheck(period_s=0.001)
    checking = asyncio.create_task(liveness.keep_alive(world.group(), said, check))
    try:
        for reason in ("the daemon is restarted", "the daemon is restarted again"):
            with world.machine.losing_engine(reason):
                assert (await said.next()).startswith(f"{reason}; ")
                for _ in range(100):  # checks that fail too, and are not reported
                    await asyncio.sleep(0.001)
                server = world.machine.nodes["t-1"].server
                assert server is not None
                server.signal("SIGKILL")
            assert await said.next() == "t-1 is dead; restarting it"
            await world.group().wait(
                lambda status: status.state is GroupState.HEALTHY, timeout=60, waiting_for="t-1 to be back"
            )
        assert len(said.lines) == 4
        assert not checking.done()
    finally:
        checking.cancel()
        await asyncio.gather(checking, return_exceptions=True)


async def test_a_node_that_cannot_be_restarted_keeps_no_other_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up(nodes=3)
    start, started = world.engine.start, asyncio.Event()

    async def start_but_one(plan: GroupPlan, node: str) -> None:
        if node == "t-0":
            raise PortInUse("port 4222 for t-0 is taken; free it", 4222)
        await start(plan, node)
        started.set()

    monkeypatch.setattr(world.engine, "start", start_but_one)
    for name in ("t-0", "t-1"):
        await world.engine.signal(name, "SIGKILL")
        await world.engine.wait_exit(name)
    checking = asyncio.create_task(liveness.keep_alive(world.group(), lambda line: None))
    restarted = asyncio.create_task(started.wait())
    try:
        await asyncio.wait([checking, restarted], timeout=60, return_when=asyncio.FIRST_COMPLETED)
        assert restarted.done()
        assert not checking.done()
    finally:
        checking.cancel()
        restarted.cancel()
        await asyncio.gather(checking, restarted, return_exceptions=True)
