"""The comparison of a channel with a stream, message by message, and of durables with consumers. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, islice
from typing import Any, NamedTuple

from stanlocal.migrate.published import headers_of
from stanlocal.migrate.stream_plan import ConsumerPlan, StreamPlan
from stanlocal.store.format.bulk_messages import BulkMessage

KEPT = 5
"""Number of differences of each kind that are listed for a stream; the others are counted."""


class Kind(StrEnum):
    """Kinds of differences."""

    STREAM_MISSING = "stream-missing"
    SUBJECTS = "subjects"
    LAST_SEQUENCE = "last-sequence"
    MISSING = "missing"
    """A message is in the store only."""
    EXTRA = "extra"
    """A message is in the stream only."""
    TIME = "time"
    DATA = "data"
    SUBJECT = "subject"
    HEADERS = "headers"
    CONSUMER_MISSING = "consumer-missing"
    DELIVERED = "delivered"
    ACK_FLOOR = "ack-floor"
    PENDING = "pending"
    """Other messages are unacknowledged."""
    ACK_WAIT = "ack-wait"
    MAX_ACK_PENDING = "max-ack-pending"


class Delivered(NamedTuple):
    """A message of a stream."""

    sequence: int
    time: int
    """Nanoseconds since the epoch."""
    data: bytes
    subject: bytes
    headers: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between a channel and its stream."""

    kind: Kind
    detail: str
    sequence: int | None = None
    consumer: str | None = None

    def document(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "sequence": self.sequence,
            "consumer": self.consumer,
            "detail": self.detail,
        }


@dataclass(slots=True)
class Differences:
    """The differences of one stream: the first of each kind, and how many there are."""

    listed: list[Difference] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)

    def add(
        self, kind: Kind, detail: str, *, sequence: int | None = None, consumer: str | None = None
    ) -> None:
        self.counts[kind] += 1
        if self.counts[kind] <= KEPT:
            self.listed.append(Difference(kind, detail, sequence, consumer))

    def add_extra(self, sequence: int) -> None:
        """Add a message that the channel does not have."""
        self.add(Kind.EXTRA, f"sequence {sequence} is only in the stream", sequence=sequence)


class MessageComparison:
    """Compares messages as they are delivered with those that a channel has."""

    def __init__(
        self,
        subject: str,
        expected: Iterator[list[BulkMessage]],
        differences: Differences,
        *,
        published: bool = False,
    ) -> None:
        """With `published` the stream was filled by publishing: the original times are in the headers.

        So they are for each message that a relay added to a restored stream.
        """
        self._published = published
        self._subject = subject.encode()
        self._unread: Iterator[BulkMessage] = chain.from_iterable(expected)
        self._put_back: deque[BulkMessage] = deque()
        """Messages that come before those unread, at most as many as were compared in one go."""
        self._next: BulkMessage | None = self._take()
        self._differences = differences
        self.equal = 0
        """Number of messages that are the same on both sides."""

    def compare(self, delivered: Sequence[Delivered]) -> None:
        """Compare the next messages of the stream."""
        if self._next is not None and self._all_equal(delivered):
            return
        for message in delivered:
            self._one(message)

    def finish(self) -> None:
        """Count every message that was not delivered."""
        while self._next is not None:
            self._missing(self._next)
            self._next = self._take()

    def _all_equal(self, delivered: Sequence[Delivered]) -> bool:
        """Compare them in one go; if anything differs, put back what was taken of the channel."""
        assert self._next is not None
        held = [self._next, *self._take_many(len(delivered) - 1)]
        same = {message.subject for message in delivered} == {self._subject}
        if same and (self._published or delivered[0].headers):
            wanted = [(sequence, data, headers_of(sequence, time)) for sequence, time, data in held]
            same = wanted == [(message.sequence, message.data, message.headers) for message in delivered]
        elif same:
            same = held == [message[:3] for message in delivered] and not any(
                message.headers for message in delivered
            )
        if same:
            self.equal += len(held)
        else:
            self._put_back.extendleft(reversed(held))
        self._next = self._take()
        return same

    def _take(self) -> BulkMessage | None:
        """Return the next message of the channel; None behind the last."""
        return self._put_back.popleft() if self._put_back else next(self._unread, None)

    def _take_many(self, count: int) -> list[BulkMessage]:
        """Return the next messages of the channel, fewer at its end."""
        taken = [self._put_back.popleft() for _ in range(min(count, len(self._put_back)))]
        return [*taken, *islice(self._unread, count - len(taken))]

    def _one(self, found: Delivered) -> None:
        while self._next is not None and self._next[0] < found.sequence:
            self._missing(self._next)
            self._next = self._take()
        if self._next is None or self._next[0] > found.sequence:
            self._differences.add_extra(found.sequence)
            return
        sequence, time, data = self._next
        self._next = self._take()
        before = self._differences.counts.total()
        published = self._published or bool(found.headers)
        headers = headers_of(sequence, time) if published else b""
        if time != found.time and not published:
            detail = f"sequence {sequence} has time {found.time}, not {time}"
            self._differences.add(Kind.TIME, detail, sequence=sequence)
        if data != found.data:
            detail = f"sequence {sequence} has other data: {_first_difference(data, found.data)}"
            self._differences.add(Kind.DATA, detail, sequence=sequence)
        if found.subject != self._subject:
            detail = f"sequence {sequence} has subject {found.subject!r}"
            self._differences.add(Kind.SUBJECT, detail, sequence=sequence)
        if found.headers != headers:
            detail = f"sequence {sequence} has other headers: {found.headers[:200]!r}"
            self._differences.add(Kind.HEADERS, detail, sequence=sequence)
        self.equal += self._differences.counts.total() == before

    def _missing(self, message: BulkMessage) -> None:
        self._differences.add(
            Kind.MISSING, f"sequence {message[0]} is not in the stream", sequence=message[0]
        )


def _first_difference(a: bytes, b: bytes) -> str:
    if len(a) != len(b):
        return f"{len(b)} bytes, not {len(a)}"
    at = next(place for place, (one, other) in enumerate(zip(a, b, strict=True)) if one != other)
    return f"byte {at} is 0x{b[at]:02x}, not 0x{a[at]:02x}"


def compare_stream(plan: StreamPlan, info: Mapping[str, Any] | None, differences: Differences) -> bool:
    """Compare a stream's own properties; return whether there is a stream to go on with."""
    if info is None:
        differences.add(Kind.STREAM_MISSING, f"there is no stream {plan.name}")
        return False
    subjects = info.get("config", {}).get("subjects")
    if subjects != [plan.subject]:
        differences.add(Kind.SUBJECTS, f"the stream has subjects {subjects}, not ['{plan.subject}']")
    last = info.get("state", {}).get("last_seq")
    if last != plan.channel.last_sequence:
        detail = f"the stream's last sequence is {last}, the channel's {plan.channel.last_sequence}"
        differences.add(Kind.LAST_SEQUENCE, detail)
    return True


def compare_consumer(
    plan: ConsumerPlan,
    info: Mapping[str, Any] | None,
    pending: frozenset[int] | None,
    differences: Differences,
) -> None:
    """Compare a consumer with its durable; without `pending` only the number of unacknowledged messages."""

    def differ(kind: Kind, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            differences.add(kind, f"{what} is {found}, not {wanted}", consumer=plan.name)

    if info is None:
        detail = f"there is no consumer {plan.name} for {plan.durable.label}"
        differences.add(Kind.CONSUMER_MISSING, detail, consumer=plan.name)
        return
    config = info.get("config", {})
    delivered, floor = (info.get(name, {}).get("stream_seq") for name in ("delivered", "ack_floor"))
    if config.get("deliver_policy") == "by_start_sequence":  # servers before 2.15 say 0 until the first ack
        floor = max(floor, config.get("opt_start_seq", 1) - 1)
    differ(Kind.DELIVERED, "the last delivered sequence", delivered, plan.delivered)
    differ(Kind.ACK_FLOOR, "the acknowledged floor", floor, plan.floor)
    if pending is None:
        count = info.get("num_ack_pending")
        differ(Kind.PENDING, "the number of unacknowledged messages", count, len(plan.pending))
    elif pending != frozenset(plan.pending):
        wanted = frozenset(plan.pending)
        detail = (
            f"unacknowledged only in the stream: {_some(pending - wanted)}; only in the store: "
            f"{_some(wanted - pending)}"
        )
        differences.add(Kind.PENDING, detail, consumer=plan.name)
    differ(Kind.ACK_WAIT, "the ack wait in ns", config.get("ack_wait"), plan.durable.ack_wait)
    differ(
        Kind.MAX_ACK_PENDING,
        "the number of messages in flight",
        config.get("max_ack_pending"),
        plan.durable.max_inflight,
    )


def _some(sequences: frozenset[int]) -> str:
    shown = ", ".join(map(str, sorted(sequences)[:KEPT]))
    return f"{shown}, … ({len(sequences)})" if len(sequences) > KEPT else shown or "none"
