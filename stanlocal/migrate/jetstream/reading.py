"""Reading a stream back, from first to last, by a consumer that leaves nothing behind.

The consumer is ephemeral, delivers in order, acknowledges nothing, and is deleted at the end. The server
sends as much as the reader has confirmed (flow control), so memory does not grow with the stream. Where a
message is missing between two others or before an idle heartbeat, or no message comes, a new consumer goes
on behind the last message: `consumer_seq` counts without gaps, and a heartbeat says how far it came.

In a cluster the consumer may be on a replica that has not got all messages yet, and that knows of no more
than it has. So the end of a stream is what its leader says: only the leader answers `STREAM.MSG.GET`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence

from stanlocal.errors import JetStreamError
from stanlocal.migrate.comparison import Delivered
from stanlocal.migrate.jetstream.connection import JetStream

_SILENCE_S = 10.0
"""Seconds without a message after which a new consumer goes on, whatever heartbeats say."""
_HEARTBEAT_NS = 2 * 10**9
_INACTIVE_NS = 30 * 10**9
_PATIENCE_S = 60.0
"""Seconds in which at least one message has to come."""
_PAUSE_S = 0.1
_NO_MESSAGE = 10037
"""Error code for no message at or behind a sequence (server/errors.json)."""
_NO_CONSUMER = 10014
"""Error code for a consumer that is not there."""
_LAST_DELIVERED = re.compile(rb"\r\nNats-Last-Consumer: (\d{1,20})\r\n")
"""What an idle heartbeat says of the last message that the consumer sent, by the consumer's own count."""
_STALLED = re.compile(rb"\r\nNats-Consumer-Stalled: (\$JS\.FC\.[^\r ]+)\r\n")
"""Subject on which the consumer waits for a confirmation."""
_ACK, _FLOW_CONTROL = b"$JS.ACK.", b"$JS.FC."
_new = tuple.__new__


async def read_stream(
    server: JetStream, stream: str, first_sequence: int, last_sequence: int
) -> AsyncIterator[list[Delivered]]:
    """Yield the messages of a range of sequences in order, many at a time.

    Raises `JetStreamError` when the server does not deliver them.
    """
    next_sequence, progressed = first_sequence, time.monotonic()
    while next_sequence <= last_sequence:
        async with _Consumer(server, stream) as consumer:
            if await consumer.start(next_sequence):
                async for batch in consumer.batches():
                    wanted = [each for each in batch if each.sequence <= last_sequence]
                    if wanted:
                        next_sequence, progressed = wanted[-1].sequence + 1, time.monotonic()
                        yield wanted
                    if next_sequence > last_sequence or len(wanted) < len(batch):
                        return
            if consumer.exhausted and not await _has_message_from(next_sequence, stream, server):
                return
        if time.monotonic() - progressed > _PATIENCE_S:
            raise JetStreamError(
                f"{server.url} delivers nothing of stream {stream} from {next_sequence} on; look at its log"
            )
        await asyncio.sleep(_PAUSE_S)


async def _has_message_from(sequence: int, stream: str, server: JetStream) -> bool:
    """Return whether the stream's leader has a message at or behind a sequence."""
    try:
        await server.ask(f"STREAM.MSG.GET.{stream}", {"seq": sequence, "next_by_subj": ">"})
    except JetStreamError as error:
        if error.code == _NO_MESSAGE:
            return False
        raise
    return True


class _Consumer:
    """One ephemeral consumer and what it has delivered."""

    def __init__(self, server: JetStream, stream: str) -> None:
        self._server = server
        self._stream = stream
        self._name: str | None = None
        self._arrived: list[Delivered] = []
        self._wake = asyncio.Event()
        self._subject, self._next_head = b"", re.compile(rb"")
        self._confirm: list[bytes] = []
        self._expected = 1
        self._broken = False
        self.exhausted = False

    async def __aenter__(self) -> _Consumer:
        self._inbox = self._server.inbox()
        self._subscription = await self._server.adapter.subscribe_raw(self._inbox, self._take, self._take_run)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.adapter.unsubscribe(self._subscription)
        if self._name is not None and self._server.adapter.connected:
            await self._delete()

    async def _delete(self) -> None:
        """Delete it, unless the server has: one that no connection reads is not kept."""
        try:
            await self._server.ask(f"CONSUMER.DELETE.{self._stream}.{self._name}")
        except JetStreamError as error:
            if error.code != _NO_CONSUMER:
                raise

    async def start(self, first_sequence: int) -> bool:
        """Begin to deliver; return whether there is anything to deliver."""
        config = {
            "deliver_subject": self._inbox,
            "ack_policy": "none",
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": max(first_sequence, 1),
            "replay_policy": "instant",
            "flow_control": True,
            "idle_heartbeat": _HEARTBEAT_NS,
            "inactive_threshold": _INACTIVE_NS,
            "mem_storage": True,
            "num_replicas": 1,
        }
        request = {"stream_name": self._stream, "config": config}
        made = await self._server.ask(f"CONSUMER.CREATE.{self._stream}", request)
        self._name = str(made.get("name"))
        nothing = made.get("num_pending") == 0 and made.get("delivered", {}).get("consumer_seq") == 0
        self.exhausted |= nothing  # a message may have arrived before this answer, and have been the last
        return not nothing

    def _take(self, subject: bytes, data: bytes, reply: bytes, headers: bytes) -> None:
        if reply.startswith(_ACK):
            parts = reply.split(b".")
            place = _place(parts)
            try:
                sequence, count, time, pending = map(int, parts[place : place + 4])
            except ValueError:
                self._broken = True
                return
            if count != self._expected or self._broken:
                self._broken = True
                return
            self._expected += 1
            self._arrived.append(Delivered(sequence, time, data, subject, headers))
            self.exhausted = pending == 0
        elif reply.startswith(_FLOW_CONTROL):
            self._confirm.append(reply)
        else:
            self._take_heartbeat(headers)
        self._wake.set()

    def _take_heartbeat(self, headers: bytes) -> None:
        """Notice messages and requests for a confirmation that were lost with an earlier connection."""
        delivered, stalled = _LAST_DELIVERED.search(headers), _STALLED.search(headers)
        if delivered is not None and int(delivered[1]) >= self._expected:
            self._broken = True
        elif stalled is not None:
            self._confirm.append(stalled[1])

    def _take_run(self, data: bytes, at: int, head: bytes) -> tuple[int, int, int]:
        """Take the messages of one subject that follow one of them in the same read, as a `RunReader`.

        Leaves whatever is not the next message, in order and whole, to `_take`.
        """
        subject = head.split(b" ", 2)[1]
        if subject != self._subject:
            self._subject, self._next_head = subject, _next_head(head)
        match, size, total = self._next_head.match, len(data), 0
        begun = expected = self._expected
        while (found := match(data, at)) is not None:
            sequence, count, time, pending, length = map(int, found.groups())
            begin = found.end()
            end = begin + length
            if end + 2 > size or count != expected or self._broken:
                break
            message = (sequence, time, data[begin:end], subject, b"")
            self._arrived.append(_new(Delivered, message))  # calling the class takes twice as long
            self.exhausted = pending == 0
            expected += 1
            total += length
            at = end + 2
        self._expected = expected
        return at, expected - begun, total

    async def batches(self) -> AsyncIterator[list[Delivered]]:
        """Yield what arrives until all is delivered, a message is missing, or none comes any more."""
        loop = asyncio.get_running_loop()
        silent_since = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(silent_since + _SILENCE_S):
                    await self._wake.wait()
            except TimeoutError:
                return
            self._wake.clear()
            batch, self._arrived = self._arrived, []
            confirm, self._confirm = self._confirm, []
            ended = self._broken or self.exhausted  # what arrives from here on is in no batch yet
            if batch:
                yield batch
                silent_since = loop.time()
            for subject in confirm:
                await self._server.adapter.client.publish(subject.decode())
            if ended:
                return


def _place(parts: Sequence[bytes]) -> int:
    """Return where a reply subject has the message's sequence; with a domain and an account it is later."""
    return 5 if len(parts) == 9 else 7


def _next_head(head: bytes) -> re.Pattern[bytes]:
    """Return the control lines of the messages that follow one, of the same subject and consumer.

    Its groups are the sequence, the consumer's sequence, the time, the number of messages that are left, and
    the size. A reply subject that is not JetStream's gives a pattern that nothing matches.
    """
    fields = head[:-2].split(b" ")
    parts = fields[3].split(b".") if len(fields) == 5 else []
    if len(parts) < 9 or not fields[3].startswith(_ACK):
        return re.compile(rb"(?!)")
    before = b" ".join([*fields[:3], b".".join(parts[: _place(parts)])])
    numbers = rb"\.(\d{1,20})\.(\d{1,20})\.(\d{1,20})\.(\d{1,20})"
    return re.compile(re.escape(before) + numbers + rb"(?:\.[^ ]+)? (\d{1,8})\r\n")
