"""One subscribing client of a load, subscribed to every channel, which records each delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stanlocal.drill.ledger.entries import DELIVERED, REDELIVERED, STRANGE
from stanlocal.drill.ledger.writer import Ledger
from stanlocal.drill.load.load_meter import LoadMeter
from stanlocal.drill.load.payload import read
from stanlocal.drill.scenario.spec import Recipient
from stanlocal.errors import StanError
from stanlocal.stan.start import NewOnly, StartPosition, StartSequence, StartTime

if TYPE_CHECKING:
    from stanlocal.drill.load.sites import Delivery, LoadClient, LoadSubscription


@dataclass(slots=True)
class SequenceSpan:
    """The lowest and the highest sequence delivered; 0 for none."""

    first: int = 0
    last: int = 0


class Subscriber:
    """A subscriber from `start` to `stop`; started again, it continues where it was.

    `name` is its durable's or queue group's name at the server. Messages are acknowledged once recorded.
    """

    def __init__(
        self, index: int, reader: Recipient, name: str, client: LoadClient, ledger: Ledger, meter: LoadMeter
    ) -> None:
        self.client = client
        self.reader = reader
        self.seen = 0
        """Deliveries so far."""
        self.spans = {channel: SequenceSpan() for channel in ledger.header.load.channels}
        """Sequences delivered on each channel."""
        self._index = index
        self._name = name
        self._ledger = ledger
        self._meter = meter
        self.holes: set[tuple[str, int]] = set()
        """Channels and sequences that a plain subscriber missed, and that will come again."""
        self._since: datetime | None = None
        self._open: list[LoadSubscription] = []

    @property
    def is_whole(self) -> bool:
        """Whether all its subscriptions still deliver."""
        return not self.client.is_closed and all(each.is_open for each in self._open)

    async def start(self, positions: Mapping[str, StartPosition] | None = None) -> None:
        """Subscribe, from those positions or where it was; returns once the server confirms.

        Raises `StanError`. Does nothing when it is started.
        """
        group = self._name if self.reader.kind == "queue" else ""
        durable = self._name if self.reader.kind in ("queue", "durable") else ""
        taken = {subscription.channel for subscription in self._open}
        for channel in self.spans:
            if channel not in taken:
                subscription = await self.client.subscribe(
                    channel,
                    self._deliver(channel),
                    start=positions[channel] if positions else self._where_it_was(channel),
                    durable_name=durable,
                    queue_group=group,
                    ack_wait=self._ledger.header.load.ack_wait,
                )
                self._open.append(subscription)
        self._since = self._since or datetime.now(UTC)

    def _where_it_was(self, channel: str) -> StartPosition:
        if last := self.spans[channel].last:
            return StartSequence(last + 1)
        return StartTime(self._since) if self._since else NewOnly()

    async def stop(self, *, forget: bool = False) -> None:
        """Close the subscriptions; with `forget` the server keeps no position of them.

        Raises `StanError` when the server does not answer, after all were tried; then it can be called again.
        """
        failure: StanError | None = None
        for subscription in list(self._open):
            try:
                if subscription.is_open:
                    await (subscription.unsubscribe() if forget else subscription.close(drain=True))
                self._open.remove(subscription)
            except StanError as error:
                failure = error
        if failure is not None:
            raise failure

    def _deliver(self, channel: str) -> Callable[[Delivery], None]:
        load = self._ledger.header.load
        run, index, audience = self._ledger.header.run, self._index, self.reader.audience
        place = load.channels.index(channel)
        publishers = range(place, load.publishers, len(load.channels))
        counted, plain = self.reader.kind != "audit", self.reader.kind == "plain"
        holes = self.holes
        event, meter = self._ledger.event, self._meter
        span = self.spans[channel]

        def deliver(message: Delivery) -> None:
            self.seen += 1
            sequence = message.sequence
            if sequence > span.last:
                if plain and sequence > span.last + 1 and span.last:
                    holes.update((channel, each) for each in range(span.last + 1, sequence))
                span.first = span.first or sequence
                span.last = sequence
            else:
                if holes:
                    holes.discard((channel, sequence))
                if sequence < span.first:
                    span.first = sequence
            flags = REDELIVERED if message.redelivered else 0
            found = read(run, message.data)
            if found is None or found[0] not in publishers:
                event(STRANGE, place, 0, index, sequence, flags, len(message.data))
                return
            publisher, number = found
            event(DELIVERED, publisher, number, index, sequence, flags, message.redelivery_count)
            if counted:
                meter.delivered(audience, publisher, number)

        return deliver
