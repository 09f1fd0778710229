"""Waiting for room in the window: first come, first served, and cancelled is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from stanlocal.stan.window import WindowWaiters


async def waiting(waiters: WindowWaiters, count: int) -> list[asyncio.Task[None]]:
    """Tasks, each waiting for its turn."""
    tasks = [asyncio.create_task(waiters.wait()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_a_waiter_cancelled_just_before_its_turn_is_cancelled() -> None:
    """Room that comes free before the cancelled task runs goes to the next, and nothing else is raised."""
    waiters = WindowWaiters()
    first, second = await waiting(waiters, 2)
    first.cancel()
    waiters.give()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    assert not waiters


async def test_a_waiter_cancelled_just_after_its_turn_hands_it_on() -> None:
    waiters = WindowWaiters()
    first, second = await waiting(waiters, 2)
    waiters.give()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second


async def test_a_waiter_cancelled_while_there_is_no_room_leaves_nothing() -> None:
    waiters = WindowWaiters()
    (only,) = await waiting(waiters, 1)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    assert not waiters


async def test_all_are_cancelled_while_all_are_let_in() -> None:
    """A client that closes lets everyone in: who was cancelled at the same moment is cancelled."""
    waiters = WindowWaiters()
    tasks = await waiting(waiters, 5)
    for task in tasks:
        task.cancel()
    waiters.give_all()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
