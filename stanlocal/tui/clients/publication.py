"""Publications: messages that a client of its own publishes, through failovers if necessary."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic, time_ns
from typing import TYPE_CHECKING

from stanlocal.errors import StanlocalError
from stanlocal.history.occurrences import Outage
from stanlocal.outages.gaps import Gap
from stanlocal.outages.rate_meter import RateMeter
from stanlocal.outages.silence import SilenceMeter
from stanlocal.tui.clients.orders import PublishOrder
from stanlocal.util.percentile import percentile

if TYPE_CHECKING:
    from stanlocal.stan import Client, PublishAck
    from stanlocal.stan.connecting import Connecting

_WINDOW = 1024
"""Messages without an ack before it waits for one."""
_TURN = 32
"""Messages published in a row before other tasks get a turn."""
_ACK_TIMEOUT_S = 24 * 3600.0
"""Seconds to wait for an ack: long, as a blocked group may stay blocked for as long as its user likes."""
_SAMPLE_S = 0.02
"""Seconds between two checks of the connection."""
_LATENCIES = 2048
"""Number of acks whose delays are kept."""


class Publication:
    """One publish order, carried out by `run`. Its counts are always current."""

    def __init__(
        self,
        order: PublishOrder,
        connect: Callable[..., Connecting],
        felt: Callable[[Gap], Awaitable[None]],
    ) -> None:
        self.order = order
        self.published = 0
        self.acked = 0
        self.failed = 0
        self.error: str | None = None
        """Reason for an early end, or for the first failed message."""
        self.ended = asyncio.Event()
        self._connect = connect
        self._felt = felt
        self._latencies_ms: deque[float] = deque(maxlen=_LATENCIES)
        self._silences = SilenceMeter()
        self._meter = RateMeter()
        self._stopped = asyncio.Event()
        self._connected = False
        self._reporting: set[asyncio.Future[None]] = set()

    # State

    @property
    def waiting(self) -> int:
        """Number of messages that are not acknowledged yet."""
        return self.published - self.acked - self.failed

    @property
    def is_over(self) -> bool:
        return self.ended.is_set()

    @property
    def state(self) -> str:
        """State in words."""
        if self.is_over:
            return "ended" if self.error else "stopped" if self._stopped.is_set() else "done"
        if not self._connected:
            return "connecting"
        if silence := self._silences.now(time_ns()):
            return f"no ack for {silence.seconds:.1f} s"
        return "stopping" if self._stopped.is_set() else "publishing"

    def latency_ms(self, share: float) -> float | None:
        """Return a percentile of the last acks' delays; None before the first ack."""
        return percentile(self._latencies_ms, share)

    def rate(self) -> float:
        """Return the acks a second over the last two seconds."""
        return self._meter.rate(monotonic(), self.acked)

    # Publishing

    def stop(self) -> None:
        """Stop publishing; messages on their way have two seconds to be acknowledged."""
        self._stopped.set()

    async def run(self) -> None:
        """Publish until all is acknowledged, or it is stopped, or it fails; `error` then has the reason."""
        client_id = f"stanlocal-tui-pub-{secrets.token_hex(4)}"
        options = {"reconnect": True, "max_pub_acks_inflight": _WINDOW, "ack_timeout": _ACK_TIMEOUT_S}
        try:
            async with self._connect(client_id, **options) as client:
                self._connected = True
                watching = asyncio.create_task(self._watch(client))
                try:
                    await self._until_stopped(self._publish(client))
                finally:
                    watching.cancel()
        except StanlocalError as error:
            self.error = self.error or str(error)
        finally:
            if self._reporting:
                await asyncio.wait(self._reporting)
            self.ended.set()

    async def _until_stopped(self, work: Awaitable[None]) -> None:
        working = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait([working, stopped], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            for each in (working, stopped):
                each.cancel()
            await asyncio.wait([working, stopped])

    async def _publish(self, client: Client) -> None:
        """Publish at the rate; late messages are sent at once, up to a tenth of a second of them."""
        due, rate = monotonic(), self.order.rate
        while self.published != self.order.count:
            if rate is not None:
                await asyncio.sleep(max(0.0, due - monotonic()))
                due = max(due + 1 / rate, monotonic() - 0.1)
            elif self.published % _TURN == 0:
                await asyncio.sleep(0)
            self._silences.published(time_ns())
            ack = await client.publish_async(self.order.channel, self.order.data(self.published))
            self.published += 1
            ack.add_done_callback(partial(self._answered, ack))
        await client.flush()

    def _answered(self, ack: PublishAck, _: asyncio.Future[str]) -> None:
        error = ack.exception()
        if error is not None:
            self.failed += 1
            self._silences.failed(time_ns())
            if not self._stopped.is_set():  # otherwise it had no time to be acknowledged
                self.error = self.error or str(error)
            return
        self.acked += 1
        self._latencies_ms.append((monotonic() - ack.published) * 1000)
        if (silence := self._silences.acked(time_ns())) is not None:
            self._report(silence.outage())

    def _report(self, outage: Outage) -> None:
        reporting = asyncio.ensure_future(self._felt(Gap("pub", self.order.channel, outage)))
        self._reporting.add(reporting)
        reporting.add_done_callback(self._reporting.discard)

    async def _watch(self, client: Client) -> None:
        while True:
            await asyncio.sleep(_SAMPLE_S)
            if client.nats is None or not client.nats.is_connected:
                self._silences.disconnected(time_ns())
