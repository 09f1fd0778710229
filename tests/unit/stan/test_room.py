"""Waiting for room in the window: first come, first served, and cancelled is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from stanlocal.stan.room import Room


async def waiting(room: Room, count: int) -> list[asyncio.Task[None]]:
    """That many tasks, each waiting for its turn."""
    tasks = [asyncio.create_task(room.wait()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_a_waiter_cancelled_just_before_its_turn_is_cancelled() -> None:
    """Room that comes free before the cancelled task runs goes to the next, and nothing else is raised."""
    room = Room()
    first, second = await waiting(room, 2)
    first.cancel()
    room.give()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    assert not room


async def test_a_waiter_cancelled_just_after_its_turn_hands_it_on() -> None:
    room = Room()
    first, second = await waiting(room, 2)
    room.give()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second


async def test_a_waiter_cancelled_while_there_is_no_room_leaves_nothing() -> None:
    room = Room()
    (only,) = await waiting(room, 1)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    assert not room


async def test_all_are_cancelled_while_all_are_let_in() -> None:
    """A client that closes lets everyone in: who was cancelled at the same moment is cancelled."""
    room = Room()
    tasks = await waiting(room, 5)
    for task in tasks:
        task.cancel()
    room.give_all()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
