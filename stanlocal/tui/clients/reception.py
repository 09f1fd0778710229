"""Receptions: a subscription by a client of its own, kept through failovers, with its newest messages."""

from __future__ import annotations

import asyncio
import secrets
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any

from stanlocal.errors import StanlocalError
from stanlocal.history.failovers import Failover, bridges
from stanlocal.outages.gaps import Gap
from stanlocal.outages.rate_meter import RateMeter
from stanlocal.outages.silence import SilenceMeter
from stanlocal.tui.clients.orders import SubscribeOrder

if TYPE_CHECKING:
    from stanlocal.stan import Client, Message, StanError, Subscription
    from stanlocal.stan.connecting import Connecting


class Sequences:
    """Received sequences of a channel; the missing ones are kept as ranges, however many. Pure."""

    def __init__(self) -> None:
        self.highest = 0
        self._missing: list[range] = []

    def add(self, sequence: int) -> bool:
        """Add a sequence; return whether it is new. Those below the first one count as received."""
        if not self.highest or sequence > self.highest:
            if self.highest and sequence > self.highest + 1:
                self._missing.append(range(self.highest + 1, sequence))
            self.highest = sequence
            return True
        at = bisect_right(self._missing, sequence, key=lambda gap: gap.start) - 1
        if at < 0 or sequence not in self._missing[at]:
            return False
        gap = self._missing[at]
        parts = (range(gap.start, sequence), range(sequence + 1, gap.stop))
        self._missing[at : at + 1] = [part for part in parts if part]
        return True

    @property
    def missing(self) -> int:
        """Number of missing sequences between the first and the highest."""
        return sum(gap.stop - gap.start for gap in self._missing)  # len() takes no 64-bit sequences


KEPT = 2000
"""Messages of a subscription that are kept for scrolling back."""
PREVIEW_BYTES = 256
"""Bytes of a message that are kept."""
_SILENCES = 512
"""Silences that are kept until a failover explains one of them."""


@dataclass(frozen=True, slots=True)
class Received:
    """A received message."""

    sequence: int
    data: bytes
    """First bytes of the message."""
    size: int
    stored: datetime
    """Time when the server stored it, by the server's clock."""
    came: datetime
    """Time of arrival, by this machine's clock."""
    again: str = ""
    """Mark of a repeated delivery: `redelivered 2`, or `again` if the server takes it for new; else empty."""


class Reception:
    """One subscription, held by `run`. Its counts are always current."""

    def __init__(self, order: SubscribeOrder, connect: Callable[..., Connecting]) -> None:
        self.order = order
        self.messages: deque[Received] = deque(maxlen=KEPT)
        self.received = 0
        self.again = 0
        """Number of repeated deliveries."""
        self.last_sequence = 0
        self.silences = 0
        """Number of silences so far; only some of them come from a failover."""
        self.error: str | None = None
        self.ended = asyncio.Event()
        self._connect = connect
        self._sequences = None if order.queue else Sequences()
        self._unacked: dict[int, Message] = {}
        self._silences: deque[Gap] = deque(maxlen=_SILENCES)
        self._due = SilenceMeter()
        self._meter = RateMeter()
        self._stopped = asyncio.Event()
        self._unsubscribe = False
        self._subscribed = False

    # State

    @property
    def missing(self) -> int | None:
        """Number of skipped sequences; None for a member of a queue group, which gets only its share."""
        return None if self._sequences is None else self._sequences.missing

    @property
    def unacked(self) -> int:
        """Number of messages that wait for a manual ack."""
        return len(self._unacked)

    @property
    def is_over(self) -> bool:
        return self.ended.is_set()

    @property
    def state(self) -> str:
        """State in words."""
        if self.is_over:
            return "ended" if self.error else "unsubscribed" if self._unsubscribe else "closed"
        if not self._subscribed:
            return "subscribing"
        return "closing" if self._stopped.is_set() else "open"

    def rate(self) -> float:
        """Return the messages a second over the last two seconds."""
        return self._meter.rate(monotonic(), self.received)

    @property
    def oldest_unacked(self) -> int | None:
        """Sequence of the first message that waits for a manual ack; None if none does."""
        return next(iter(self._unacked), None)

    def is_unacked(self, sequence: int) -> bool:
        """Whether the message waits for a manual ack."""
        return sequence in self._unacked

    def gap(self, failover: Failover) -> Gap | None:
        """Return the silence around the failover; None without one."""
        return next((gap for gap in self._silences if bridges(gap.outage, failover)), None)

    # Receiving

    def stop(self, *, unsubscribe: bool = False) -> None:
        """Close the subscription; with `unsubscribe` the server also forgets a durable's position."""
        self._unsubscribe = unsubscribe
        self._stopped.set()

    async def ack(self, sequence: int | None = None) -> None:
        """Acknowledge the message, or all that wait for it; do nothing for acknowledged ones.

        Raises `StanError` when the ack cannot be sent now.
        """
        for each in [*self._unacked] if sequence is None else [sequence]:
            message = self._unacked.get(each)
            if message is not None:
                await message.ack()
                self._unacked.pop(each, None)

    async def run(self) -> None:
        """Hold the subscription until it is stopped or fails; `error` then has the reason."""
        client_id = self.order.client_id or f"stanlocal-tui-sub-{secrets.token_hex(4)}"
        try:
            async with self._connect(client_id, reconnect=True, on_connection_lost=self._lost) as client:
                subscription = await self._subscribe(client)
                await self._stopped.wait()
                if subscription.is_open:
                    await (subscription.unsubscribe() if self._unsubscribe else subscription.close())
        except StanlocalError as error:
            self.error = self.error or str(error)
        finally:
            self.ended.set()
            self._unacked.clear()

    async def _subscribe(self, client: Client) -> Subscription:
        order = self.order
        options: dict[str, Any] = {
            "start": order.start,
            "durable_name": order.durable,
            "queue_group": order.queue,
            "manual_ack": order.manual_ack,
        }
        subscription = await client.subscribe(order.channel, self._take, **options)
        self._subscribed = True
        return subscription

    def _take(self, message: Message) -> None:
        now = datetime.now(UTC)
        self.received += 1
        self.last_sequence = message.sequence
        first = self._sequences is None or self._sequences.add(message.sequence)
        came_before = "" if first else "again"
        if message.redelivered:
            came_before = f"redelivered {message.redelivery_count}"
        self.again += bool(came_before)
        data = message.data
        self.messages.append(
            Received(message.sequence, data[:PREVIEW_BYTES], len(data), message.time, now, came_before)
        )
        if self.order.manual_ack:
            self._unacked[message.sequence] = message
        self._measure(time_ns())

    def _measure(self, now: int) -> None:
        """Note the silence that a message ends; the next message is due from then on."""
        silence = self._due.acked(now) if self.received > 1 else None
        self._due.published(now)
        if silence is not None:
            self.silences += 1
            self._silences.append(Gap("sub", self.order.channel, silence.outage()))

    def _lost(self, _: Client, error: StanError) -> None:
        self.error = str(error)
        self._stopped.set()
