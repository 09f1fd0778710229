"""One publisher of a load, which numbers its messages and records the outcome of each in the ledger."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from stanlocal.drill.ledger.entries import ACKED, PUBLISHED, REFUSED, UNANSWERED
from stanlocal.drill.ledger.writer import Ledger
from stanlocal.drill.load.load_meter import LoadMeter
from stanlocal.drill.load.payload import make
from stanlocal.stan.errors import (
    ConnectionClosed,
    ConnectionInterrupted,
    ConnectionLost,
    PublishTimeout,
    StanError,
)

if TYPE_CHECKING:
    from stanlocal.drill.load.sites import LoadClient

_DOUBT = (PublishTimeout, ConnectionInterrupted, ConnectionClosed, ConnectionLost)
"""Errors after which it is unknown whether the message is stored."""
_PAUSE_S = 0.1
"""Pause after a refusal: a full disk has no more room a moment later."""
_CATCH_UP_S = 0.05
"""Longest delay that a publisher with a rate catches up on; what an outage prevented is not sent later."""


class Publisher:
    """A publisher to one channel, from `start` to `stop`; it can be started again."""

    def __init__(
        self, index: int, channel: str, client: LoadClient, ledger: Ledger, meter: LoadMeter
    ) -> None:
        self.client = client
        self._index = index
        self._channel = channel
        self._ledger = ledger
        self._meter = meter
        load = ledger.header.load
        self._sizes = load.sizes
        self._window = load.window
        self._interval = load.publishers / load.rate if load.rate else 0.0
        self._loop = asyncio.get_running_loop()
        self._number = 0
        self._inflight = 0
        self._not_before = 0.0
        self._stopping = False
        self._wake: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start publishing."""
        self._stopping = False
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._run(), name=f"drill-publisher-{self._index}")

    async def stop(self) -> None:
        """Stop publishing; returns once every message is answered, or given up by the client."""
        if self._task is not None:
            self._stopping = True
            self._rouse()
            await asyncio.shield(self._task)
            self._task = None
        while self._inflight:
            await self._rest(None)

    async def abandon(self) -> None:
        """End at once; messages that have no answer yet get none in the ledger."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _run(self) -> None:
        due = self._loop.time()
        while not self._stopping:
            now = self._loop.time()
            due = max(due, now - _CATCH_UP_S)
            while (due := max(due, self._not_before)) <= now and self._inflight < self._window:
                if not await self._publish():
                    return
                due += self._interval
            if not self._stopping:
                await self._rest(due if due > now else None)

    async def _publish(self) -> bool:
        """Send the next message; return False when the client is closed, which ends the publisher."""
        self._number += 1
        number, index = self._number, self._index
        size = self._sizes[number % len(self._sizes)]
        self._meter.published(index, number, self._ledger.event(PUBLISHED, index, number))
        self._inflight += 1
        try:
            data = make(self._ledger.header.run, index, number, size)
            ack = await self.client.publish_async(self._channel, data)
        except StanError as error:
            self._failed(number, error)
            return not self.client.is_closed
        ack.add_done_callback(partial(self._answered, number))
        return True

    def _answered(self, number: int, ack: asyncio.Future[str]) -> None:
        error = ack.exception()
        if error is not None:
            self._failed(number, error)
            return
        self._inflight -= 1
        self._meter.acked(self._index, number, self._ledger.event(ACKED, self._index, number))
        self._rouse()

    def _failed(self, number: int, error: BaseException) -> None:
        self._inflight -= 1
        kind = UNANSWERED if isinstance(error, _DOUBT) else REFUSED
        self._meter.failed(self._index, number, self._ledger.event(kind, self._index, number))
        self._not_before = self._loop.time() + _PAUSE_S
        self._rouse()

    async def _rest(self, until: float | None) -> None:
        """Wait for that time of the loop, an answer, or `stop`."""
        self._wake = self._loop.create_future()
        timer = self._loop.call_at(until, self._rouse) if until is not None else None
        try:
            await self._wake
        finally:
            self._wake = None
            if timer is not None:
                timer.cancel()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
