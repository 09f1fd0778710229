"""A subscription by a client of its own, kept through failovers, and the messages that it got last."""

from __future__ import annotations

import asyncio
import secrets
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from stanlocal.errors import StanlocalError
from stanlocal.history.failovers import Failover, bridges
from stanlocal.outages.gaps import Gap, Wait
from stanlocal.outages.rate_meter import Meter
from stanlocal.tui.clients.orders import SubscribeOrder

if TYPE_CHECKING:
    from stanlocal.stan import Client, Message, StanError, Subscription
    from stanlocal.stan.connecting import Connecting


class Sequences:
    """Those that came; the missing ones are kept as ranges, so that their number does not matter."""

    def __init__(self) -> None:
        self.highest = 0
        self._missing: list[range] = []

    def add(self, sequence: int) -> bool:
        """Whether it came for the first time. What is below the first one that came was there before."""
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
        """How many between the first and the highest did not come."""
        return sum(gap.stop - gap.start for gap in self._missing)  # len() takes no 64-bit sequences


KEPT = 2000
"""Messages of a subscription that can be scrolled back to."""
PREVIEW_BYTES = 256
"""Of a message that are kept."""
_SILENCES = 512
"""That are remembered until a failover explains one of them."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came."""

    sequence: int
    data: bytes
    """Its first bytes."""
    size: int
    stored: datetime
    """By the server's clock."""
    came: datetime
    """By ours."""
    again: str = ""
    """How it came before, if it did: `redelivered 2`, or `again` for one that the server takes for new."""


class Reception:
    """One such subscription; `run` holds it. Counts are current at any time."""

    def __init__(self, order: SubscribeOrder, connect: Callable[..., Connecting]) -> None:
        self.order = order
        self.messages: deque[Received] = deque(maxlen=KEPT)
        self.received = 0
        self.again = 0
        """Deliveries of messages that had come before."""
        self.last_sequence = 0
        self.silences = 0
        """Times without a message, so far; only some of them are a failover's."""
        self.error: str | None = None
        self.ended = asyncio.Event()
        self._connect = connect
        self._sequences = None if order.queue else Sequences()
        self._unacked: dict[int, Message] = {}
        self._silences: deque[Gap] = deque(maxlen=_SILENCES)
        self._wait = Wait()
        self._meter = Meter()
        self._stopped = asyncio.Event()
        self._unsubscribe = False
        self._subscribed = False

    # What it is

    @property
    def missing(self) -> int | None:
        """Sequences that were passed over; None for a member of a queue group: it gets only its share."""
        return None if self._sequences is None else self._sequences.missing

    @property
    def unacked(self) -> int:
        """With manual ack: messages that wait for one."""
        return len(self._unacked)

    @property
    def is_over(self) -> bool:
        return self.ended.is_set()

    @property
    def state(self) -> str:
        """In words."""
        if self.is_over:
            return "ended" if self.error else "unsubscribed" if self._unsubscribe else "closed"
        if not self._subscribed:
            return "subscribing"
        return "closing" if self._stopped.is_set() else "open"

    def rate(self) -> float:
        """Messages a second, over the last two."""
        return self._meter.rate(monotonic(), self.received)

    @property
    def oldest_unacked(self) -> int | None:
        """Of those the first that came."""
        return next(iter(self._unacked), None)

    def is_unacked(self, sequence: int) -> bool:
        """Whether the message waits for an ack."""
        return sequence in self._unacked

    def gap(self, failover: Failover) -> Gap | None:
        """The time without a message that the failover fell into."""
        return next((gap for gap in self._silences if bridges(gap.outage, failover)), None)

    # What it does

    def stop(self, *, unsubscribe: bool = False) -> None:
        """Close it; with `unsubscribe` the server forgets a durable's place, too."""
        self._unsubscribe = unsubscribe
        self._stopped.set()

    async def ack(self, sequence: int | None = None) -> None:
        """With manual ack: acknowledge the message, or all; what is acknowledged is left.

        Raises `StanError` when that cannot be sent now.
        """
        for each in [*self._unacked] if sequence is None else [sequence]:
            message = self._unacked.get(each)
            if message is not None:
                await message.ack()
                self._unacked.pop(each, None)

    async def run(self) -> None:
        """Returns when it was stopped or failed: `error` then says why."""
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
        outage = self._wait.came(now, more_due=True)
        if outage is not None:
            self.silences += 1
            self._silences.append(Gap("sub", self.order.channel, outage))

    def _lost(self, _: Client, error: StanError) -> None:
        self.error = str(error)
        self._stopped.set()
