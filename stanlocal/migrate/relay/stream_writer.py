"""The writer of a channel's messages into its stream, with the channel's sequences.

Each message is published on condition that its predecessor is the last of the stream, so a repeat adds
nothing and the sequences stay equal. Batches are published without waiting; the answer to a batch's last
message is the answer to all, as the server takes none after one that it refused. Without that answer the
stream is asked for its last sequence, and what it lacks is published again.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from stanlocal.errors import JetStreamError, RelayBlocked
from stanlocal.migrate.jetstream.connection import JetStream
from stanlocal.migrate.jetstream.publishing import LONGEST_GAP
from stanlocal.migrate.published import TIMESTAMP, headers_of
from stanlocal.util.timestamps import from_rfc3339_ns

_ANSWER_S = 2.0
"""Seconds in which a batch is usually answered; then the stream is asked."""
_STALLED_S = 10.0
"""Seconds without progress after which writing fails."""
_PAUSE_S = 0.05
_BATCH_BYTES = 4 << 20
_FILLER = f"{TIMESTAMP}: 0\r\n".encode()
"""Header of a message that only keeps the place of one that the channel no longer has."""
_ORIGINAL = re.compile(rb"\r\n%b: (\d{1,19})\r\n" % TIMESTAMP.encode())
"""Time at which the channel got a message."""
_NO_MESSAGE = 10037
"""Error code for a sequence without a message (server/errors.json)."""


class Relayed(NamedTuple):
    """A message of a channel."""

    sequence: int
    time: int
    """Nanoseconds since the epoch at which the channel got it."""
    data: bytes


class StreamWriter:
    """Writer of one stream; `async with` listens to the answers."""

    def __init__(self, server: JetStream, stream: str, subject: str, last: int) -> None:
        self.last = last
        """Sequence of the last message that the stream is known to have."""
        self._newest = 0
        """Latest time at which the channel got a message that the stream has; 0 if that is unknown."""
        self._server = server
        self._stream = stream
        self._subject = subject
        self._answers: dict[bytes, asyncio.Future[bytes]] = {}
        self._numbers = itertools.count(1)
        self._inbox = ""

    async def __aenter__(self) -> StreamWriter:
        self._inbox = self._server.inbox()
        self._subscription = await self._server.adapter.subscribe_raw(f"{self._inbox}.*", self._take)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.adapter.unsubscribe(self._subscription)

    def _take(self, subject: bytes, data: bytes, reply: bytes, headers: bytes) -> None:
        waiting = self._answers.get(subject)
        if waiting is not None and not waiting.done():
            waiting.set_result(data)

    async def write(self, messages: Sequence[Relayed]) -> None:
        """Write messages that follow `last` without a gap; return once the stream has all of them.

        Raises `RelayBlocked` when something else wrote into the stream, or a message is too large;
        `JetStreamError` when the server takes none, or the stream has become shorter.
        What it has taken stays.
        """
        loop = asyncio.get_running_loop()
        left, progress = list(messages), loop.time()
        while left:
            batch = _first_batch(left)
            confirmed = batch[-1].sequence if await self._published(batch) else await self._found(left)
            if confirmed > self.last:
                self.last, progress = confirmed, loop.time()
                written = (each.time for each in left if each.sequence <= confirmed)
                self._newest = max(self._newest, *written)
                left = [each for each in left if each.sequence > confirmed]
            elif loop.time() - progress > _STALLED_S:
                raise JetStreamError(
                    f"stream {self._stream} stays at sequence {confirmed}, and takes nothing; see the log of "
                    f"{self._server.url}"
                )
            else:
                await asyncio.sleep(_PAUSE_S)

    async def _published(self, batch: Sequence[Relayed]) -> bool:
        """Publish a batch; return whether the server confirmed its last message."""
        adapter, subject = self._server.adapter, self._subject.encode()
        reply = f"{self._inbox}.{next(self._numbers)}".encode()
        frames = bytearray()
        for message in batch:
            headers = headers_of(message.sequence, message.time)
            size = len(headers) + len(message.data)
            if size > self._server.max_payload:
                raise RelayBlocked(
                    f"sequence {message.sequence} of {self._subject} has {size} bytes with its headers, "
                    f"{self._server.url} takes {self._server.max_payload}; raise 'max_payload' there"
                )
            to = b" %b" % reply if message is batch[-1] else b""
            frames += b"HPUB %b%b %d %d\r\n%b%b\r\n" % (
                subject,
                to,
                len(headers),
                size,
                headers,
                message.data,
            )
        answer = self._answers[reply] = asyncio.get_running_loop().create_future()
        try:
            adapter.write(bytes(frames), len(batch))
            await adapter.drain()
            async with asyncio.timeout(_ANSWER_S):
                return confirmed_sequence(await answer) == batch[-1].sequence
        except TimeoutError:
            return False
        except OSError as error:
            raise JetStreamError(f"{self._server.url}: {error}") from error
        finally:
            del self._answers[reply]

    async def _found(self, messages: Sequence[Relayed]) -> int:
        """Return up to which sequence the stream has these messages, after having compared those."""
        info = await self._server.stream(self._stream)
        if info is None:
            raise JetStreamError(f"{self._server.url} has no stream {self._stream} any more; load it again")
        last = int(info["state"]["last_seq"])
        if last < self.last:
            raise JetStreamError(
                f"stream {self._stream} ends at {last} now, and had {self.last}; it goes on from there"
            )
        await self.compare([each for each in messages if each.sequence <= last])
        return min(last, messages[-1].sequence)

    async def compare(self, messages: Sequence[Relayed]) -> None:
        """Raise `RelayBlocked` if the stream has another message under one of their sequences."""
        for message in messages:
            found = await self._message(message.sequence)
            if found is not None and _bytes(found, "data") != message.data:
                raise RelayBlocked(
                    f"stream {self._stream} has another message at {message.sequence} than channel "
                    f"{self._subject}: something else publishes there, or the channel began again; compare "
                    "them with 'stanlocal migrate verify'"
                )

    def is_later(self, message: Relayed) -> bool:
        """Return whether the channel got a message after all that the stream has of it."""
        return 0 < self._newest < message.time

    async def compare_repeats(self, messages: Sequence[Relayed]) -> None:
        """Raise `RelayBlocked` if the stream is past one of them, and never had it.

        A later message under an earlier sequence is of a channel that began again, also where the stream has
        dropped what it had there.
        """
        await self.compare(messages)
        for message in filter(self.is_later, messages):
            found = await self._message(message.sequence)
            if found is None or _original_time(found) != message.time:
                raise RelayBlocked(
                    f"channel {self._subject} began again: stream {self._stream} is at {self.last}, and "
                    f"{message.sequence} of the channel is later; keep what you need of the stream, delete "
                    "it, and name the channel to 'stanlocal migrate relay'"
                )

    async def skip_to(self, sequence: int) -> None:
        """Leave a gap up to a sequence: write empty messages, and delete them again.

        Raises as `write`; `begin` deletes what a killed relay left of them.
        """
        first = self.last + 1
        if sequence - first >= LONGEST_GAP:
            raise RelayBlocked(
                f"channel {self._subject} has nothing from {first} to {sequence} any more; "
                f"load stream {self._stream} again from a new copy of the store"
            )
        await self.write([Relayed(each, 0, b"") for each in range(first, sequence + 1)])
        for each in range(first, sequence + 1):
            await self._delete(each)

    async def begin(self) -> None:
        """Delete what a killed relay left at the stream's end, and note the time of its last message.

        Raises `JetStreamError`.
        """
        await self._clear()
        found = await self._message_by({"last_by_subj": self._subject})
        self._newest = _original_time(found) if found is not None else 0

    async def _clear(self) -> None:
        """Delete the empty messages at the stream's end that only keep the places of a gap."""
        sequence = self.last
        while sequence and (found := await self._message(sequence)) is not None:
            if _FILLER not in _bytes(found, "hdrs"):
                return
            await self._delete(sequence)
            sequence -= 1

    async def _message(self, sequence: int) -> dict[str, Any] | None:
        """Return a message of the stream; None where there is none."""
        return await self._message_by({"seq": sequence})

    async def _message_by(self, request: dict[str, Any]) -> dict[str, Any] | None:
        try:
            found = await self._server.ask(f"STREAM.MSG.GET.{self._stream}", request)
        except JetStreamError as error:
            if error.code == _NO_MESSAGE:
                return None
            raise
        message = found.get("message")
        return message if isinstance(message, dict) else None

    async def _delete(self, sequence: int) -> None:
        request = {"seq": sequence, "no_erase": True}
        await self._server.ask(f"STREAM.MSG.DELETE.{self._stream}", request)


def _first_batch(messages: Sequence[Relayed]) -> Sequence[Relayed]:
    """Return the first messages that are published together; at least one."""
    size = 0
    for count, message in enumerate(messages):
        size += len(message.data)
        if size > _BATCH_BYTES and count:
            return messages[:count]
    return messages


def confirmed_sequence(answer: bytes) -> int | None:
    """Return the sequence that a server's answer confirms; None for a refusal, or nothing."""
    try:
        document: Any = json.loads(answer)
    except ValueError:
        return None
    if not isinstance(document, dict) or "error" in document:
        return None
    sequence = document.get("seq")
    return sequence if isinstance(sequence, int) else None


def _original_time(message: dict[str, Any]) -> int:
    """Return when the channel got a message (ns): a header says so, unless the message was restored."""
    found = _ORIGINAL.search(_bytes(message, "hdrs"))
    return int(found[1]) if found is not None else from_rfc3339_ns(message["time"])


def _bytes(message: dict[str, Any], key: str) -> bytes:
    """Return a part of a message of the API."""
    text = message.get(key)
    return base64.b64decode(text) if isinstance(text, str) else b""
