"""Reading a stream back, from first to last, by a consumer that leaves nothing behind.

The consumer is ephemeral, delivers in order, acknowledges nothing, and is deleted at the end. The server
sends as much as the reader has confirmed (flow control), so memory does not grow with the stream. Where a
message is missing between two others, or the server falls silent, a new consumer goes on behind the last
message: `consumer_seq` counts without gaps.

In a cluster the consumer may be on a replica that has not got all messages yet, and that knows of no more
than it has. So the end of a stream is what its leader says: only the leader answers `STREAM.MSG.GET`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from stanlocal.errors import JetStreamError
from stanlocal.migrate.comparison import Delivered
from stanlocal.migrate.jetstream.connection import JetStream

_SILENCE_S = 10.0
_HEARTBEAT_NS = 2 * 10**9
_INACTIVE_NS = 30 * 10**9
_PATIENCE_S = 60.0
"""Seconds in which at least one message has to come."""
_PAUSE_S = 0.1
_NO_MESSAGE = 10037
"""Error code for no message at or behind a sequence (server/errors.json)."""
_FLOW_CONTROL = b"$JS.FC."


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
        self._confirm: list[bytes] = []
        self._expected = 1
        self._broken = False
        self.exhausted = False

    async def __aenter__(self) -> _Consumer:
        self._inbox = self._server.inbox()
        self._subscription = await self._server.adapter.subscribe_raw(self._inbox, self._take)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.adapter.unsubscribe(self._subscription)
        if self._name is not None and self._server.adapter.connected:
            await self._server.ask(f"CONSUMER.DELETE.{self._stream}.{self._name}")

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
        if reply.startswith(b"$JS.ACK."):
            parts = reply.split(b".")
            place = 5 if len(parts) == 9 else 7  # with a domain and an account there are two more
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
        self._wake.set()

    async def batches(self) -> AsyncIterator[list[Delivered]]:
        """Yield what arrives until all is delivered, a message is missing, or the server falls silent."""
        while True:
            try:
                async with asyncio.timeout(_SILENCE_S):
                    await self._wake.wait()
            except TimeoutError:
                return
            self._wake.clear()
            batch, self._arrived = self._arrived, []
            confirm, self._confirm = self._confirm, []
            if batch:
                yield batch
            for subject in confirm:
                await self._server.adapter.client.publish(subject.decode())
            if self._broken or self.exhausted:
                return
