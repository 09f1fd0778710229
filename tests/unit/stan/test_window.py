"""Waiting for room in the window: first come, first served, and cancelled is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from stanlocal.stan.ack import PublishAck
from stanlocal.stan.window import WindowQueue


class Waiting:
    """Some publishers that wait for room, and what was published of theirs."""

    def __init__(self, count: int) -> None:
        self.queue = WindowQueue()
        self.published: list[int] = []
        self.acks = [PublishAck() for _ in range(count)]
        self.tasks = [asyncio.create_task(self._publisher(number)) for number in range(count)]

    async def _publisher(self, number: int) -> PublishAck:
        def publish() -> PublishAck:
            self.published.append(number)
            return self.acks[number]

        return await self.queue.wait(publish)


async def waiting(count: int) -> Waiting:
    made = Waiting(count)
    await asyncio.sleep(0)
    return made


async def test_each_message_is_published_in_its_turn() -> None:
    publishers = await waiting(3)
    while publishers.queue:
        publishers.queue.publish_next()
    assert publishers.published == [0, 1, 2]
    assert await asyncio.gather(*publishers.tasks) == publishers.acks


async def test_a_publisher_cancelled_just_before_its_turn_is_cancelled() -> None:
    """Room that comes free before the cancelled task runs goes to the next, and nothing else is raised."""
    publishers = await waiting(2)
    publishers.tasks[0].cancel()
    while publishers.queue:
        publishers.queue.publish_next()
    with pytest.raises(asyncio.CancelledError):
        await publishers.tasks[0]
    assert await publishers.tasks[1] is publishers.acks[1]
    assert publishers.published == [1]


async def test_a_publisher_cancelled_just_after_its_turn_gives_up_its_ack() -> None:
    publishers = await waiting(1)
    publishers.queue.publish_next()
    publishers.tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishers.tasks[0]
    assert publishers.acks[0].cancelled()


async def test_a_publisher_cancelled_while_there_is_no_room_leaves_nothing() -> None:
    publishers = await waiting(1)
    publishers.tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishers.tasks[0]
    assert not publishers.queue


async def test_all_are_cancelled_while_all_are_let_in() -> None:
    """A client that closes lets everyone in: who was cancelled at the same moment is cancelled."""
    publishers = await waiting(5)
    for task in publishers.tasks:
        task.cancel()
    while publishers.queue:
        publishers.queue.publish_next()
    results = await asyncio.gather(*publishers.tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert publishers.published == []
