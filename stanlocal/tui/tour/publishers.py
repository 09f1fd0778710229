"""The two publishers of a lesson: one gives a message up when it fails, one sends it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING

from stanlocal.errors import StanlocalError
from stanlocal.tui.tour.observed import Published

if TYPE_CHECKING:
    from stanlocal.stan import Client, PublishAck
    from stanlocal.stan.connecting import Connecting

CHANNEL = "orders"
_EVERY_S = 0.05
"""Seconds from a message to the next."""
_PLAIN_TIMEOUT_S = 1.0
"""Seconds that the publisher without retry waits for an ack."""
_RETRY_TIMEOUT_S = 24 * 3600.0
"""Seconds that the other waits: long, as the group may stay without service for as long as its user likes."""
_RECONNECT_S = 0.5


class Publisher:
    """A publisher that runs until it is cancelled, and waits for no ack; its counts are always current."""

    def __init__(self, connect: Callable[..., Connecting], *, retry: bool) -> None:
        self._connect = connect
        self._retry = retry
        self._counts = Published()
        self._waiting: dict[PublishAck, None] = {}
        """Acks that have not come yet, oldest first."""

    @property
    def counts(self) -> Published:
        """Counts so far."""
        oldest = next(iter(self._waiting), None)
        return replace(self._counts, waits_s=0.0 if oldest is None else monotonic() - oldest.published)

    async def run(self) -> None:
        """Publish until cancelled; connect again where that fails, or the client is lost."""
        timeout = _RETRY_TIMEOUT_S if self._retry else _PLAIN_TIMEOUT_S
        options = {"retry": self._retry, "ack_timeout": timeout, "reconnect": True}
        kind = "with" if self._retry else "without"
        while True:
            try:
                async with self._connect(f"tour-{kind}-retry-{token_hex(2)}", **options) as client:
                    while not client.is_closed:
                        await self._publish(client)
                        await asyncio.sleep(_EVERY_S)
            except StanlocalError as error:
                self._counts = replace(self._counts, error=self._counts.error or str(error))
            await asyncio.sleep(_RECONNECT_S)

    async def _publish(self, client: Client) -> None:
        try:
            ack = await client.publish_async(CHANNEL, b"an order")
        except StanlocalError as error:  # it is not connected now, and would wait only with retry
            self._fail(error)
        else:
            self._waiting[ack] = None
            ack.add_done_callback(partial(self._answered, ack))

    def _answered(self, ack: PublishAck, _: asyncio.Future[str]) -> None:
        del self._waiting[ack]
        if (error := ack.exception()) is not None:
            self._fail(error)
        else:
            slowest = max(self._counts.slowest_s, monotonic() - ack.published)
            self._counts = replace(self._counts, stored=self._counts.stored + 1, slowest_s=slowest)

    def _fail(self, error: BaseException) -> None:
        counts = self._counts
        self._counts = replace(counts, failed=counts.failed + 1, error=counts.error or str(error))


class PublisherPair:
    """Both publishers, started and ended as a lesson needs them."""

    def __init__(self, connect: Callable[..., Connecting]) -> None:
        self._connect = connect
        self._running: dict[asyncio.Task[None], Publisher] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def run(self, wanted: bool) -> None:
        """Start both, or end them, unless that is done already; counts begin again at a start."""
        if wanted and not self._running:
            both = [Publisher(self._connect, retry=retry) for retry in (False, True)]
            self._running = {asyncio.create_task(each.run()): each for each in both}
        elif not wanted and self._running:
            for task in self._running:
                task.cancel()
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)
            self._running = {}

    @property
    def counts(self) -> tuple[Published, Published]:
        """Counts without and with retry."""
        plain, resending = [each.counts for each in self._running.values()] or (Published(), Published())
        return plain, resending

    async def close(self) -> None:
        """End both, and wait until they have left the server."""
        self.run(False)
        if self._ending:
            await asyncio.wait([*self._ending])
