"""The parser of what a NATS server sends: bounded, linear, and quick for the client's own messages.

nats-py makes an object of every message, by way of two coroutines and a look at its headers. Nearly all
traffic of a STAN client, acks and deliveries, comes to a few subscriptions of its own as plain `MSG`.
Those are cut out of what was read in one go and handed over, which saves a third of the time of a
delivery. What follows a message within one read is mostly more of the same: the subscription's own reader
takes the whole run. Everything else goes to nats-py's handlers, line by line.

No server can make the client scan bytes twice, keep more than one line of `LINE` bytes or one message of
`MESSAGE` bytes, or stop the read loop: whatever is not NATS ends in `NotNats`, a `ProtocolError` on which
nats-py drops the connection and connects again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable
from typing import Any, Protocol

from nats.errors import Error as NatsError
from nats.errors import ProtocolError

log = logging.getLogger(__name__)

Handler = Callable[[bytes, bytes, bytes, bool], None]
"""Receives subject, payload, reply subject, and whether NATS itself answered that no one listens."""

RunReader = Callable[[bytes, int, bytes], tuple[int, int, int]]
"""Takes whole messages of its subscription that follow one another in what was read.

Receives the bytes, where the first may begin, and the control line of the message before. Returns where it
stopped (at anything that it does not know), how many messages it took, and the bytes of their payloads.
"""

LINE = 4096
"""Largest control line in bytes: the NATS server's own default, and nats-py's limit."""

INFO_LINE = 64 * 1024
"""Largest `INFO` line in bytes: it names every server of a cluster."""

MESSAGE = 64 * 1024 * 1024
"""Largest message in bytes, its headers included: the NATS server's default for all it may hold back."""

_MSG = re.compile(rb"MSG ([^ \r\n]{1,1024}) (\d{1,18}) (?:([^ \r\n]{1,1024}) )?(\d{1,8})\r\n")
_NUMBER = re.compile(rb"\d{1,18}")


class NotNats(ProtocolError):
    """Bytes from a server that are not NATS."""

    def __str__(self) -> str:
        return str(self.args[0])


class Receiver(Protocol):
    """The NATS client that a parser reads for."""

    stats: dict[str, int]

    @property
    def is_connected(self) -> bool:
        """Whether the connection is up."""

    async def take_ping(self) -> None:
        """Answer a PING."""

    async def take_pong(self) -> None:
        """Note a PONG."""

    async def take_info(self, info: Any) -> None:
        """Note what an INFO says."""

    async def take_error(self, text: str) -> None:
        """Handle an -ERR."""

    async def take_message(
        self, number: int, subject: bytes, reply: bytes, payload: bytes, headers: bytes
    ) -> None:
        """Hand a message to the subscription of that number."""


class DirectParser:
    """Parser that hands whole messages to the handlers of the subscriptions. Handlers must not raise."""

    def __init__(self, nats: Receiver) -> None:
        self._nats = nats
        self._handlers: dict[bytes, Handler] = {}
        self._run_readers: dict[bytes, RunReader] = {}
        self.reset()

    def attach(self, number: int, handler: Handler, run_reader: RunReader | None = None) -> None:
        """Hand the messages of that subscription to `handler`.

        After each, `run_reader` may take those that follow it in the same read.
        """
        self._handlers[b"%d" % number] = handler
        if run_reader is not None:
            self._run_readers[b"%d" % number] = run_reader

    def detach(self, number: int) -> None:
        """Leave the messages of that subscription to nats-py."""
        self._handlers.pop(b"%d" % number, None)
        self._run_readers.pop(b"%d" % number, None)

    def reset(self) -> None:
        """Forget what was kept of a connection that is gone."""
        self._kept = bytearray()
        self._needed = 0  # bytes that `_kept` must hold before anything can be done with it
        self._parsing = False

    def tap(self, reader: asyncio.StreamReader) -> None:
        """Take the client's own messages as they come, one turn of the loop before nats-py reads `reader`.

        Only while nothing waits there, which keeps the order on the wire. A sixth less time for a
        synchronous publish.
        """
        pass_on = reader.feed_data

        def feed(data: bytes) -> None:
            if not self._parsing and self._nats.is_connected and not reader._buffer:  # type: ignore[attr-defined]
                data = self._take(data)
            if data:
                pass_on(data)

        reader.feed_data = feed  # type: ignore[method-assign,assignment]

    async def parse(self, data: bytes = b"") -> None:
        """Take what was read; raises `NotNats` for what is not NATS."""
        self._parsing = True
        try:
            data = self._take(data)
            while data:
                data = await self._pass_to_nats_py(data)
                if data:
                    data = self._take(data)
        except NotNats as error:
            log.warning("connecting to NATS again: %s", error)
            raise
        except (NatsError, OSError):
            raise
        except Exception as error:  # whatever the server sent to cause it, the read loop must not end
            log.warning("connecting to NATS again: the server sent what caused %r", error)
            raise NotNats(f"nats: {error!r}") from error
        finally:
            self._parsing = False

    def _take(self, data: bytes) -> bytes:
        """Hand over the client's own messages, keep an incomplete one; the rest is nats-py's."""
        at = 0
        if self._kept:
            missing = self._needed - len(self._kept)
            if missing > len(data):
                self._kept += data
                return b""
            at = max(0, missing)
            first = bytes(self._kept) + data[:at]
            self._kept.clear()
            self._needed = 0
            if missing <= 0 or self._hand_over(first, 0) == 0:
                data, at = first + data[at:], 0
        at = self._hand_over(data, at)
        if at:
            data = data[at:]
        if b"MSG ".startswith(data[:4]) and len(data) < LINE and b"\r\n" not in data:
            self._keep(data, 0)
            return b""
        return data

    def _hand_over(self, data: bytes, at: int) -> int:
        """Hand over the client's own messages from `at` on, keep an incomplete one; return where they end.

        Does not copy `data`, which may be a quarter of a megabyte: memory that is new to the process takes
        longer than the parsing.
        """
        size, count, total = len(data), 0, 0
        while (head := _MSG.match(data, at)) is not None:
            subject, number, reply, length = head.groups()
            handler = self._handlers.get(number)
            begin = head.end()
            end = begin + int(length)
            if handler is None:
                break
            if end + 2 > size:
                if end - begin > MESSAGE:
                    break
                self._keep(data[at:], end + 2 - at)
                at = size
                break
            handler(subject, data[begin:end], reply or b"", False)
            at = end + 2
            count += 1
            total += end - begin
            if at < size and (reader := self._run_readers.get(number)) is not None:
                at, more, more_bytes = reader(data, at, head[0])
                count += more
                total += more_bytes
        if count:
            self._nats.stats["in_msgs"] += count
            self._nats.stats["in_bytes"] += total
        return at

    def _keep(self, data: bytes, needed: int) -> None:
        self._kept += data
        self._needed = needed

    async def _pass_to_nats_py(self, data: bytes) -> bytes:
        """Have nats-py handle the line at the start, and its message, or keep it; returns what follows."""
        most = INFO_LINE if data.startswith(b"INFO") else LINE
        end = data.find(b"\r\n", 0, most)
        if end < 0:
            if len(data) >= most:
                raise NotNats(f"nats: a control line of more than {most} bytes")
            self._keep(data, 0)
            return b""
        fields, rest = data[:end].split(), end + 2
        operation = fields[0] if fields else b""
        if operation in (b"MSG", b"HMSG"):
            return await self._pass_message(fields, data, rest)
        if operation == b"PING":
            await self._nats.take_ping()
        elif operation == b"PONG":
            await self._nats.take_pong()
        elif operation == b"INFO":
            await self._nats.take_info(json.loads(data[4:end]))
        elif operation == b"-ERR":
            await self._nats.take_error(data[4:end].strip().decode("utf-8", "replace").lower())
        elif operation != b"+OK":
            raise NotNats("nats: unknown protocol")
        return data[rest:]

    async def _pass_message(self, fields: list[bytes], data: bytes, begin: int) -> bytes:
        numbers = 2 if fields[0] == b"HMSG" else 1
        if len(fields) - numbers not in (3, 4):
            raise NotNats(f"nats: malformed {fields[0].decode()}")
        subject, sid, *between = fields[1:]
        lengths = between[-numbers:]
        if not all(map(_NUMBER.fullmatch, [sid, *lengths])):
            raise NotNats(f"nats: malformed {fields[0].decode()}")
        total, head = int(lengths[-1]), int(lengths[0]) if numbers == 2 else 0
        if not head <= total <= MESSAGE:
            raise NotNats(f"nats: a message of {total} bytes with {head} bytes of headers")
        end = begin + total
        if end + 2 > len(data):
            self._keep(data, end + 2)
            return b""
        reply = between[0] if len(between) > numbers else b""
        headers, payload = data[begin : begin + head], data[begin + head : end]
        await self._nats.take_message(int(sid), subject, reply, payload, headers)
        return data[end + 2 :]
