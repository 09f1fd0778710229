"""A numbered publisher and a durable subscriber, and what they saw, for tests that kill nodes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from stanlocal import stan


@dataclass
class Ledger:
    """Acknowledged and delivered messages."""

    acked: list[tuple[float, int]] = field(default_factory=list)
    failed: list[BaseException] = field(default_factory=list)
    delivered: Counter[int] = field(default_factory=Counter)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def missing(self) -> set[int]:
        return {number for _, number in self.acked} - set(self.delivered)

    @property
    def duplicates(self) -> int:
        return sum(self.delivered.values()) - len(self.delivered)

    def deliver(self, message: stan.Message) -> None:
        self.delivered[int(message.data)] += 1
        self.news.set()

    async def until_delivered(self, timeout: float) -> None:
        """Return once every acknowledged message was delivered."""
        async with asyncio.timeout(timeout):
            while self.missing:
                self.news.clear()
                await self.news.wait()

    async def until_acked(self, count: int, timeout: float = 30) -> None:
        """Return once that many messages were acknowledged."""
        async with asyncio.timeout(timeout):
            while len(self.acked) < count:
                self.news.clear()
                await self.news.wait()

    async def first_ack_after(self, moment: float, timeout: float = 10) -> float:
        """When the first message was acknowledged after that moment (`time.monotonic`); waits for it."""
        async with asyncio.timeout(timeout):
            while not self.acked or self.acked[-1][0] <= moment:
                self.news.clear()
                await self.news.wait()
        return next(at for at, _ in self.acked if at > moment)


class Load:
    """Publishes numbers one at a time, or many at once, until stopped."""

    def __init__(self, client: stan.Client, channel: str, ledger: Ledger) -> None:
        self._client = client
        self._channel = channel
        self._ledger = ledger
        self._stopping = False
        self._number = 0

    async def synchronous(self) -> None:
        while not self._stopping:
            number = self._next()
            try:
                await self._client.publish(self._channel, b"%d" % number)
            except stan.StanError as error:
                self._ledger.failed.append(error)
            else:
                self._acked(number)

    async def asynchronous(self, pause: float) -> None:
        while not self._stopping:
            ack = await self._client.publish_async(self._channel, b"%d" % self._next())
            ack.add_done_callback(partial(self._answered, self._number))
            await asyncio.sleep(pause)
        await self._client.flush()

    def stop(self) -> None:
        self._stopping = True

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _answered(self, number: int, ack: asyncio.Future[str]) -> None:
        if (error := ack.exception()) is not None:
            self._ledger.failed.append(error)
        else:
            self._acked(number)

    def _acked(self, number: int) -> None:
        self._ledger.acked.append((time.monotonic(), number))
        self._ledger.news.set()
