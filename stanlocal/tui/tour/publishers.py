"""The two publishers of a lesson: one gives up a message at its first failure, one sends it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING

from stanlocal.errors import StanlocalError
from stanlocal.tui.tour.observed import Published

if TYPE_CHECKING:
    from stanlocal.stan import Client
    from stanlocal.stan.connecting import Connecting

CHANNEL = "orders"
_EVERY_S = 0.05
"""Seconds from a message to the next."""
_PLAIN_TIMEOUT_S = 2.0
"""Seconds that the publisher without retry waits for an ack."""
_RETRY_TIMEOUT_S = 24 * 3600.0
"""Seconds that the other waits: long, as the group may stay without service for as long as its user likes."""
_RECONNECT_S = 0.5


class Publisher:
    """A publisher that runs until it is cancelled; its counts are always current."""

    def __init__(self, connect: Callable[..., Connecting], *, retry: bool) -> None:
        self._connect = connect
        self._retry = retry
        self._counts = Published()
        self._began: float | None = None

    @property
    def counts(self) -> Published:
        waits = 0.0 if self._began is None else monotonic() - self._began
        return replace(self._counts, waits_s=waits)

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
        counts = self._counts
        self._began = began = monotonic()
        try:
            await client.publish(CHANNEL, b"order %d" % (counts.stored + counts.failed))
        except StanlocalError as error:
            failed = counts.failed + 1
            self._counts = replace(counts, failed=failed, error=counts.error or str(error))
        else:
            slowest = max(counts.slowest_s, monotonic() - began)
            self._counts = replace(counts, stored=counts.stored + 1, slowest_s=slowest)
        finally:
            self._began = None


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
