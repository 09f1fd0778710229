"""Injections that are cut off or fail: undone only once nothing of them is under way any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from stanlocal.errors import EngineError
from stanlocal.faults import injection
from stanlocal.faults.kill import Kill
from stanlocal.faults.stop import Stop
from stanlocal.group import core
from stanlocal.model.states import GroupState
from tests.support.world import World

Signal = Callable[[str, str], Awaitable[None]]


class Slow:
    """An engine's `signal` whose effect comes when the test lets it, after the call has returned."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self.sent = asyncio.Event()
        self.arrives = asyncio.Event()
        self._arriving: list[asyncio.Task[None]] = []

    async def __call__(self, node: str, signal: str) -> None:
        self._arriving.append(asyncio.create_task(self._arrive(node, signal)))
        self.sent.set()

    async def _arrive(self, node: str, signal: str) -> None:
        await self.arrives.wait()
        await self._signal(node, signal)


@pytest.fixture
def slow(world: World, monkeypatch: pytest.MonkeyPatch) -> Slow:
    slow = Slow(world.engine.signal)
    monkeypatch.setattr(world.engine, "signal", slow)
    return slow


async def all_serve(world: World) -> None:
    group = world.group()
    assert not any(fault.in_force for fault in group.home.journal.faults())
    healthy = lambda status: status.state is GroupState.HEALTHY  # noqa: E731
    await group.wait(healthy, timeout=60, waiting_for="every node")


async def test_a_kill_that_is_cancelled_on_its_way_is_undone_after_it_has_arrived(
    world: World, slow: Slow
) -> None:
    await world.up()
    injecting = asyncio.create_task(injection.inject(world.group(), Kill(), ["t-0"]))
    await slow.sent.wait()
    injecting.cancel()
    _, waiting = await asyncio.wait([injecting], timeout=0.05)
    assert waiting, "nothing is undone while the kill is on its way"
    slow.arrives.set()
    with pytest.raises(asyncio.CancelledError):
        await injecting
    assert world.machine.nodes["t-0"].exit_code is None
    await all_serve(world)


async def test_a_kill_that_never_arrives_does_not_hold_a_cancellation_up_for_ever(
    world: World, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "_END_S", 0.01)
    await world.up()
    injecting = asyncio.create_task(injection.inject(world.group(), Kill(), ["t-0"]))
    await slow.sent.wait()
    injecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(injecting, 60)
    await all_serve(world)


async def test_a_kill_that_fails_on_one_node_is_undone_after_it_has_arrived_at_the_others(
    world: World, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def signal(node: str, signal: str) -> None:
        if node == "t-0":
            raise EngineError("the engine refused")
        await slow(node, signal)

    monkeypatch.setattr(world.engine, "signal", signal)
    await world.up()
    injecting = asyncio.create_task(injection.inject(world.group(), Kill(), ["t-0", "t-1"]))
    await slow.sent.wait()
    _, waiting = await asyncio.wait([injecting], timeout=0.05)
    assert waiting, "nothing is undone while the kill of the other node is on its way"
    slow.arrives.set()
    with pytest.raises(EngineError, match="refused"):
        await injecting
    await all_serve(world)


async def test_an_injection_that_is_cancelled_again_while_it_is_undone_is_undone_to_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up()
    stop, start = world.engine.stop, world.engine.start

    async def stop_and_cancel(node: str, grace_s: float) -> None:
        await stop(node, grace_s)
        injecting.cancel()

    async def start_after_a_cancellation(*args: object) -> None:
        injecting.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await start(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(world.engine, "stop", stop_and_cancel)
    monkeypatch.setattr(world.engine, "start", start_after_a_cancellation)
    injecting = asyncio.create_task(injection.inject(world.group(), Stop(), ["t-0"]))
    with pytest.raises(asyncio.CancelledError):
        await injecting
    await all_serve(world)
