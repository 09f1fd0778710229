"""Filling a stream by publishing, for servers before 2.15, which restore no packs.

Sequences stay, as the stream begins at the channel's first (nats-server 2.10) and each message is published
on condition that its predecessor is the last. Where the channel has a gap, messages are published and deleted
again. The time of a message is new; the original is in a header. The stream has no limits until it holds
everything. Consumers are brought to the position of their durables by consuming, and acknowledging what
those acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from stanlocal.errors import JetStreamError
from stanlocal.migrate.archive.reading import Entry, read_archive
from stanlocal.migrate.jetstream.connection import JetStream
from stanlocal.migrate.jetstream.pulling import Puller
from stanlocal.migrate.pack_folder import PackedStream
from stanlocal.migrate.published import MARK, UNLIMITED, WHOLE, headers_of, limits_of

_WINDOW = 2_000
"""Messages between two confirmations."""
_WINDOW_BYTES = 8 << 20
_CONFIRM_S = 10.0
"""Seconds in which a stream takes at least one of the messages that were published."""
_PULL_S = 30.0
_PAUSE_S = 0.005
_LONG_ACK_WAIT_NS = 3600 * 10**9
LONGEST_GAP = 100_000
"""Messages that are published and deleted again at most, to leave a gap."""
_PREFIX = "consumers/"
_BATCH = 500

Advance = Callable[[int], None]


async def fill_by_publishing(
    stream: PackedStream, config: Mapping[str, Any], server: JetStream, advance: Advance
) -> None:
    """Publish what the stream does not have yet, bring its consumers to their positions, and set its limits.

    Raises `JetStreamError`, or `StoreRefused` for a damaged pack; what was published until then stays, and
    the next run goes on behind it.
    """
    limits = limits_of(config, stream.state)
    there = await server.stream(stream.name)
    if there is None:  # made with its limits, as a server that has no room for them refuses it then
        first = stream.state["first_seq"]
        there = await server.ask(f"STREAM.CREATE.{stream.name}", {**config, **limits, "first_seq": first})
    await server.ask(f"STREAM.UPDATE.{stream.name}", {**there["config"], **UNLIMITED})
    last = max(there["state"]["last_seq"], stream.state["first_seq"] - 1)
    publisher = _Publisher(stream, config["subjects"][0], server, last)
    gaps = _Gaps(stream.state["first_seq"], last)
    consumers: list[ConsumerPosition] = []
    for entry in read_archive(stream.data):
        if entry.name.startswith(_PREFIX):
            consumers.append(ConsumerPosition(json.loads(entry.data)))
            continue
        for consumer in consumers:
            consumer.count(entry.sequence)
        if not entry.sequence:  # the stream's state
            continue
        gaps.before(entry.sequence)
        if entry.sequence > last:
            await publisher.take(entry)
    gaps.before(stream.state["last_seq"] + 1)
    await publisher.finish(stream.state["last_seq"])
    await gaps.clear(stream.name, server)
    await _check_count(stream, server)
    for consumer in consumers:
        await consumer.bring_up(stream.name, server)
    await _mark_whole(stream.name, limits, server)
    advance(stream.data.stat().st_size)


async def make_gaps(stream: PackedStream, server: JetStream) -> None:
    """Delete again what fills a stream's gaps: a server that is killed forgets its last deletions."""
    gaps = _Gaps(stream.state["first_seq"], stream.state["last_seq"])
    for entry in read_archive(stream.data):
        if entry.sequence:
            gaps.before(entry.sequence)
    gaps.before(stream.state["last_seq"] + 1)
    await gaps.clear(stream.name, server)


async def bring_up_again(stream: PackedStream, server: JetStream) -> None:
    """Bring consumers up again that stand before their durables: a killed server forgets its last acks.

    One that has gone on since, and one that others made since, is left alone.
    """
    consumers, behind = list[ConsumerPosition](), list[ConsumerPosition]()
    for entry in read_archive(stream.data):
        if entry.name.startswith(_PREFIX):
            consumers.append(ConsumerPosition(json.loads(entry.data)))
        elif entry.sequence and not behind:  # every consumer is known
            behind = [each for each in consumers if await each.is_behind(stream.name, server)]
            if not behind:
                return
        for consumer in behind:
            consumer.count(entry.sequence)
    for consumer in behind:
        await consumer.bring_up(stream.name, server)


async def _check_count(stream: PackedStream, server: JetStream) -> None:
    """Raise `JetStreamError` if the stream has lost messages: no run would publish them again."""
    found = await server.stream(stream.name)
    messages, wanted = found["state"]["messages"] if found else 0, stream.state["messages"]
    if messages < wanted:
        raise JetStreamError(
            f"stream {stream.name} has {messages} messages, and the pack {wanted}: some were dropped while "
            f"it was filled; delete it ('nats stream rm {stream.name}'), and run it again"
        )


async def _mark_whole(stream: str, limits: Mapping[str, int], server: JetStream) -> None:
    found = await server.stream(stream)
    if found is not None:
        config = found["config"]
        metadata = {**(config.get("metadata") or {}), MARK: WHOLE}
        await server.ask(f"STREAM.UPDATE.{stream}", {**config, **limits, "metadata": metadata})


class _Gaps:
    """The gaps up to where an earlier run came, which may have been killed before it made them."""

    def __init__(self, first: int, last: int) -> None:
        self._at = first
        self._last = last
        self._ranges: list[range] = []

    def before(self, sequence: int) -> None:
        """Note what lies between the last sequence that the stream is to have and this one."""
        gap = range(self._at, min(sequence, self._last + 1))
        if gap:
            self._ranges.append(gap)
        self._at = sequence + 1

    async def clear(self, stream: str, server: JetStream) -> None:
        """Delete every message in them."""
        if not self._ranges:
            return
        info = await server.ask(f"STREAM.INFO.{stream}", {"deleted_details": True})
        deleted = frozenset(info["state"].get("deleted") or ())
        for sequence in (each for gap in self._ranges for each in gap if each not in deleted):
            await server.ask(f"STREAM.MSG.DELETE.{stream}", {"seq": sequence, "no_erase": True})


class _Publisher:
    """Publishes messages in windows, of which the last is confirmed."""

    def __init__(self, stream: PackedStream, subject: str, server: JetStream, last: int) -> None:
        self._stream = stream.name
        self._subject = subject.encode()
        self._server = server
        self._last = last
        """Sequence of the last message that was written to the connection."""
        self._held = bytearray()
        self._count = 0
        self._fillers: list[int] = []

    async def take(self, entry: Entry) -> None:
        """Publish a message, and before it whatever keeps its place free."""
        await self._skip_to(entry.sequence - 1)
        await self._add(entry.sequence, headers_of(entry.sequence, entry.time), entry.data)

    async def finish(self, last_sequence: int) -> None:
        """Have everything confirmed; the stream then ends at `last_sequence`."""
        await self._skip_to(last_sequence)
        await self._confirm()

    async def _skip_to(self, sequence: int) -> None:
        """Leave a gap up to a sequence: publish messages, and note them for deletion."""
        if sequence - self._last > LONGEST_GAP:
            raise JetStreamError(
                f"stream {self._stream} has a gap of {sequence - self._last} messages, which only a server "
                "of 2.15 or later can keep; load the pack there"
            )
        while self._last < sequence:
            self._fillers.append(self._last + 1)
            await self._add(self._last + 1, headers_of(self._last + 1, 0), b"")

    async def _add(self, sequence: int, headers: bytes, data: bytes) -> None:
        sizes = b"%d %d" % (len(headers), len(headers) + len(data))
        self._held += b"HPUB %b %b\r\n%b%b\r\n" % (self._subject, sizes, headers, data)
        self._last = sequence
        self._count += 1
        if self._count == _WINDOW or len(self._held) > _WINDOW_BYTES:
            await self._confirm()

    async def _confirm(self) -> None:
        """Write what is held, and wait until the stream has it."""
        frames, self._held = bytes(self._held), bytearray()
        count, self._count = self._count, 0
        self._server.adapter.write(frames, count)
        await self._server.adapter.drain()
        last = seen = -1
        end = 0.0
        while last != self._last:
            info = await self._server.stream(self._stream)
            last = info["state"]["last_seq"] if info else 0
            if last != seen:
                seen, end = last, time.monotonic() + _CONFIRM_S
            elif time.monotonic() > end:
                raise JetStreamError(
                    f"stream {self._stream} stays at sequence {last}, and {self._last} was published; "
                    "see the server's log, and run it again: it goes on where it stopped"
                )
            else:
                await asyncio.sleep(_PAUSE_S)
        await self._delete_fillers()

    async def _delete_fillers(self) -> None:
        fillers, self._fillers = self._fillers, []
        for sequence in fillers:
            await self._server.ask(f"STREAM.MSG.DELETE.{self._stream}", {"seq": sequence, "no_erase": True})


class ConsumerPosition:
    """A consumer that is brought to the position of its durable."""

    def __init__(self, packed: Mapping[str, Any]) -> None:
        self._config, state = packed["config"], packed["state"]
        self._pending = {*map(int, state["pending"])}
        self._floor, self._delivered = (state[key]["stream_seq"] for key in ("ack_floor", "delivered"))
        self._to_consume = 0

    @property
    def _start(self) -> dict[str, Any]:
        """The fields of its configuration that say where it begins."""
        return {"deliver_policy": "by_start_sequence", "opt_start_seq": self._floor + 1}

    @property
    def delivered(self) -> int:
        """Highest sequence that the durable has had."""
        return int(self._delivered)

    def count(self, sequence: int) -> None:
        """Count a message of the stream, if the durable has had it."""
        self._to_consume += self._floor < sequence <= self._delivered

    def count_all(self, first: int, deleted: Collection[int]) -> None:
        """Count every message from a stream's first on, except those that are deleted."""
        low = max(self._floor, first - 1)
        gone = sum(low < each <= self._delivered for each in deleted)
        self._to_consume = max(self._delivered - low, 0) - gone

    async def is_behind(self, stream: str, server: JetStream) -> bool:
        """Return whether this consumer, and none that others made, stands before its durable."""
        there = await server.consumer(stream, self._config["name"])
        if there is None or any(there["config"].get(key) != start for key, start in self._start.items()):
            return False
        delivered, waiting = there["delivered"]["stream_seq"], there["num_ack_pending"]
        lost_acks = delivered == self._delivered and waiting > len(self._pending)
        return bool(delivered < self._delivered or lost_acks)

    async def bring_up(self, stream: str, server: JetStream, *, at_once: bool = False) -> None:
        """Make it, and consume up to the position, leaving unacknowledged what is so.

        With `at_once` that is delivered again to whoever asks first, instead of after the ack wait.
        """
        name = self._config["name"]
        there = await server.consumer(stream, name)
        config = {**self._config, **self._start}
        patient = {"ack_wait": _LONG_ACK_WAIT_NS, "max_ack_pending": len(self._pending) + _BATCH}
        subject = f"CONSUMER.CREATE.{stream}.{name}"
        if there is not None:
            position = there["delivered"]["stream_seq"], there["num_ack_pending"]
            if position == (self._delivered, len(self._pending)):
                if any(there["config"].get(key) != config[key] for key in patient):  # killed just before
                    await server.ask(subject, {"stream_name": stream, "config": config})
                return
            await server.ask(f"CONSUMER.DELETE.{stream}.{name}")  # of a run that was killed half way
        await server.ask(subject, {"stream_name": stream, "config": {**config, **patient}})
        async with Puller(server, stream, name) as puller:
            left = self._to_consume
            while left:
                got = await puller.pull(min(_BATCH, left), _PULL_S, keep=self._pending.__contains__)
                if not got:
                    raise JetStreamError(
                        f"consumer {name} of stream {stream} delivers nothing more, and {left} messages are "
                        "left; see the server's log, and run it again"
                    )
                left -= len(got)
            await server.ask(subject, {"stream_name": stream, "config": config})
            if at_once:
                await puller.give_back()
