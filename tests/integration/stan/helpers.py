"""Helpers that several of the client's tests share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from stanlocal import stan


class Inbox:
    """A callback that keeps its messages and can wait for them."""

    def __init__(self) -> None:
        self.messages: list[stan.Message] = []
        self._news = asyncio.Condition()

    async def __call__(self, message: stan.Message) -> None:
        self.messages.append(message)
        async with self._news:
            self._news.notify_all()

    @property
    def sequences(self) -> list[int]:
        return [message.sequence for message in self.messages]

    @property
    def payloads(self) -> list[bytes]:
        return [message.data for message in self.messages]

    async def wait(self, count: int, timeout: float = 10) -> list[stan.Message]:
        """The messages, once there are that many."""
        return await self.until(lambda: len(self.messages) >= count, timeout)

    async def until(self, condition: Callable[[], bool], timeout: float = 10) -> list[stan.Message]:
        """The messages, once `condition` holds."""
        async with asyncio.timeout(timeout), self._news:
            await self._news.wait_for(condition)
        return self.messages


async def fill(client: stan.Client, channel: str, count: int, first: int = 1) -> None:
    """Publish `count` numbered messages and wait for their acks."""
    await client.publish_batch(channel, [b"%d" % number for number in range(first, first + count)])


@asynccontextmanager
async def no_task_left() -> AsyncIterator[None]:
    """Fails when a task that was made within is still there at the end."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"tasks left: {left}"


async def eventually(condition: Callable[[], bool], timeout: float = 10) -> None:
    """Return once `condition` holds: for what nothing tells of."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)
