"""The proof: every message and every durable of a store, compared with the streams of a server."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stanlocal.migrate.comparison import (
    Differences,
    MessageComparison,
    compare_consumer,
    compare_stream,
)
from stanlocal.migrate.jetstream.connection import JetStream
from stanlocal.migrate.jetstream.pending import pending_of
from stanlocal.migrate.jetstream.reading import read_stream
from stanlocal.migrate.messages import Report, messages_of, refuse
from stanlocal.migrate.plan import MigrationPlan
from stanlocal.migrate.published import MARK
from stanlocal.migrate.stream_plan import StreamPlan
from stanlocal.store.format.records import Damage
from stanlocal.util.printable import printable

Progress = Callable[[int, int], None]
"""Callback that takes the number of messages compared, and of all messages."""


@dataclass(slots=True)
class StreamVerdict:
    """The comparison of a stream with its channel."""

    stream: str
    channel: str
    equal: int = 0
    """Number of messages that are the same in sequence, time, subject, data and headers."""
    consumers: int = 0
    """Number of consumers that were compared."""
    pending_known: bool = True
    """Whether the server says which messages are unacknowledged, and not only how many."""
    published: bool = False
    """Whether the stream was filled by publishing; its times are new, and the headers have the original."""
    unreadable: int = 0
    """Number of damaged records of the store, which nothing can be compared with."""
    below_first: int = 0
    """Number of messages of the stream that the channel may have had and dropped by its limits since, so that
    nothing can be compared with them."""
    differences: Differences = field(default_factory=Differences)

    @property
    def ok(self) -> bool:
        return not self.differences.counts

    def document(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "channel": printable(self.channel),
            "ok": self.ok,
            "equal": self.equal,
            "consumers": self.consumers,
            "pending_known": self.pending_known,
            "published": self.published,
            "unreadable": self.unreadable,
            "below_first": self.below_first,
            "counts": {kind.value: count for kind, count in self.differences.counts.items()},
            "differences": [each.document() for each in self.differences.listed],
        }


@dataclass(slots=True)
class Verification:
    """The verdict on all streams."""

    to: str
    streams: list[StreamVerdict] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return all(stream.ok for stream in self.streams)

    def document(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "to": self.to,
            "messages": sum(stream.equal for stream in self.streams),
            "consumers": sum(stream.consumers for stream in self.streams),
            "seconds": round(self.seconds, 3),
            "streams": [stream.document() for stream in self.streams],
        }


async def verify(
    plan: MigrationPlan,
    server: JetStream,
    *,
    salvage: bool = False,
    progress: Progress = lambda done, total: None,
) -> Verification:
    """Compare everything that the plan names. Nothing is written, and no consumer stays behind.

    With `salvage` damaged records of the store are counted instead of refused. Raises `StoreRefused` when the
    store cannot be read, `JetStreamError` when the server does not answer.
    """
    began = time.monotonic()
    verdict = Verification(server.url)
    total = sum(stream.channel.messages for stream in plan.streams)
    done = 0
    for stream in plan.streams:
        result = StreamVerdict(stream.name, stream.subject)

        def compared(count: int) -> None:
            nonlocal done
            done += count
            progress(done, max(total, done))

        await _stream(plan, stream, server, salvage, result, compared)
        verdict.streams.append(result)
    verdict.seconds = time.monotonic() - began
    return verdict


async def _stream(
    plan: MigrationPlan,
    stream: StreamPlan,
    server: JetStream,
    salvage: bool,
    result: StreamVerdict,
    compared: Callable[[int], None],
) -> None:
    info = await server.stream(stream.name)
    if not compare_stream(stream, info, result.differences):
        return
    assert info is not None

    def count(file: str, damage: Damage) -> None:
        result.unreadable += 1

    result.published = MARK in (info["config"].get("metadata") or {})
    last = info["state"]["last_seq"]
    if info["state"]["messages"]:
        await _look_below(plan, stream, server, result, info["state"]["first_seq"])
    await compare_messages(plan, stream, server, result, last, count if salvage else refuse, compared)
    if not stream.consumers:
        return
    pending = await pending_of(server, stream.name)
    for consumer in stream.consumers:
        found = await server.consumer(stream.name, consumer.name)
        known = _known(pending, consumer.name, found)
        result.pending_known &= known is not None
        compare_consumer(consumer, found, known, result.differences)
        result.consumers += 1


async def _look_below(
    plan: MigrationPlan, stream: StreamPlan, server: JetStream, result: StreamVerdict, first: int
) -> None:
    """Count what the stream has from sequence `first` on, before the channel's first message.

    A stream may keep longer what its channel has dropped by limits: it was loaded before, or by publishing,
    which makes messages young again. Where no limit can have dropped anything it is a difference.
    """
    channel = stream.channel
    limits_known = plan.inventory.store_limits is not None and channel.split is None
    explained = channel.limits.drop_messages or not limits_known
    async for batch in read_stream(server, stream.name, first, channel.first_sequence - 1):
        if explained:
            result.below_first += len(batch)
            continue
        for message in batch:
            result.differences.add_extra(message.sequence)


async def compare_messages(
    plan: MigrationPlan,
    stream: StreamPlan,
    server: JetStream,
    result: StreamVerdict,
    last: int,
    damaged: Report = refuse,
    compared: Callable[[int], None] = lambda count: None,
) -> None:
    """Compare a channel's messages with those of its stream up to sequence `last`, and add to `result`.

    Raises `StoreRefused` when the store cannot be read, `JetStreamError` when the server does not answer.
    """
    expected = messages_of(plan.inventory.store, stream, damaged, plan.inventory.key)
    comparison = MessageComparison(stream.subject, expected, result.differences, published=result.published)
    async for batch in read_stream(server, stream.name, stream.channel.first_sequence, last):
        comparison.compare(batch)
        compared(len(batch))
    comparison.finish()
    result.equal = comparison.equal


def _known(
    pending: Mapping[str, frozenset[int]] | None, consumer: str, info: Mapping[str, Any] | None
) -> frozenset[int] | None:
    """Return the unacknowledged messages; None if the server does not report them, as one in a cluster."""
    found = pending.get(consumer) if pending is not None else None
    if not found and info is not None and info.get("num_ack_pending"):
        return None
    return found or frozenset()
