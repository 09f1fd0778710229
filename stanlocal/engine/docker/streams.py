"""A container's output and the engine's events as they arrive, from blocking sockets to asyncio.

Output is taken from the engine's *attach* stream: following the log file instead loses lines from a
fast writer and repeats some at each rotation (seen on 20.10). One thread reads each stream and waits
while its reader is behind, so that memory stays bounded and nothing is dropped.
"""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from typing import Generic, Protocol, TypeVar

from stanlocal.engine.docker.transport import LOST, lost
from stanlocal.errors import StanlocalError
from stanlocal.model.instance import RawLine

T = TypeVar("T")

CHUNK = 1 << 16
"""Most bytes of a body that are read at once."""
_HEADER = struct.Struct(">BxxxL")
_QUEUED_BATCHES = 4
_LONGEST_ANSWER = 1 << 16
"""Bytes read of an answer to a wait, which is one line."""
_MAX_LINE = 1 << 20
"""Bytes after which a line is split into pieces: output is untrusted, and memory bounded."""


class Demultiplexer:
    """Decoder of the frames (stream, length, payload) of an attach stream.

    Payloads are yielded in the pieces in which they arrive: a frame may claim a length of 4 GB.
    """

    def __init__(self) -> None:
        self._header = b""
        self._left = 0
        """Bytes of the current frame's payload that have not arrived."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the pieces of payloads in `data`, in order."""
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                self._left -= len(piece)
                at += len(piece)
                yield piece
                continue
            missing = _HEADER.size - len(self._header)
            self._header += data[at : at + missing]
            at += missing
            if len(self._header) == _HEADER.size:
                _, self._left = _HEADER.unpack(self._header)
                self._header = b""


class LineSplitter:
    """Assembler of lines from pieces that end anywhere."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _MAX_LINE:
            lines.append(self._rest)
            self._rest = b""
        return [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines]

    def end(self) -> list[str]:
        rest, self._rest = self._rest, b""
        return [rest.decode("utf-8", "replace")] if rest else []


def split_stamped(pieces: Iterable[bytes]) -> Iterator[RawLine]:
    """Yield the lines of output in which the engine put a time stamp before each."""
    splitter = LineSplitter()
    lines = chain(chain.from_iterable(map(splitter.feed, pieces)), _ended(splitter))
    for line in lines:
        stamp, _, text = line.partition(" ")
        yield RawLine(parse_time(stamp), text)


def _ended(splitter: LineSplitter) -> Iterator[str]:
    """Yield the line that has no end, once all others were taken."""
    yield from splitter.end()


def parse_time(stamp: str) -> datetime:
    """Parse the engine's RFC 3339 time; its nine decimals are cut to the six of `datetime`."""
    head, _, fraction = stamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{head}.{fraction[:6].ljust(6, '0')}+00:00")


class Body(Protocol):
    """The body of an answer as it arrives, such as `stanlocal.engine.docker.transport.OpenAnswer`."""

    def read(self, size: int, /) -> bytes:
        """Read `size` bytes, or fewer if the body ends before."""

    def read1(self, size: int, /) -> bytes:
        """Read what has arrived, at most `size` bytes; wait if that is nothing. Empty at the end."""

    def shutdown(self) -> object:
        """End the reading, in whatever thread it waits."""

    def close(self) -> object:
        """Close the body and its connection."""


class Source(ABC, Generic[T]):
    """A reader of the body of an answer as it arrives."""

    def __init__(self, body: Body) -> None:
        self._body = body

    @abstractmethod
    def __iter__(self) -> Iterator[T]:
        """Read to the end."""

    def interrupt(self) -> None:
        """End the reading soon, from any thread."""
        with suppress(OSError, ValueError, RuntimeError):  # it has ended already
            self._body.shutdown()

    def close(self) -> None:
        """Close the body and its connection; its reader calls this, however the reading ends."""
        self._body.close()


class Pump(Generic[T]):
    """Thread that reads a blocking source and passes its items to one asyncio reader, in order.

    The source waits while `_QUEUED_BATCHES` items are not taken yet; output that arrives meanwhile gathers
    in larger batches. The thread closes the source at its end, which the end of the reader brings about.
    """

    def __init__(self, name: str, source: Source[T], *, look_s: float = 1.0) -> None:
        """Make the thread; while its reader is behind, it looks for it every `look_s` seconds."""
        self._source = source
        self._look_s = look_s
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[T | Exception | None] = asyncio.Queue()
        self._room = threading.Semaphore(_QUEUED_BATCHES)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _put(self, item: T | Exception | None) -> None:
        while not (self._closed.is_set() or self._loop.is_closed()):
            if self._room.acquire(timeout=self._look_s):
                break
        if not self._closed.is_set():
            try:
                self._loop.call_soon_threadsafe(self._queue.put_nowait, item)
            except RuntimeError:  # the loop has ended, and its reader with it
                self._closed.set()

    def _run(self) -> None:
        end: Exception | None = None
        try:
            for item in self._source:
                self._put(item)
                if self._closed.is_set():
                    return
        except StanlocalError as error:
            end = error
        except (*LOST, ValueError) as error:  # the last: a socket shut down under its reader
            end = lost(error)
        finally:
            self._source.close()
            self._put(end)

    async def items(self) -> AsyncGenerator[T]:
        try:
            self._thread.start()
        except RuntimeError:  # no thread can be started, which would have closed it
            self._source.close()
            raise
        try:
            while (item := await self._queue.get()) is not None:
                self._room.release()
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self._closed.set()
            self._room.release()
            self._source.interrupt()


class WaitSource(Source[int]):
    """Reader of a container's exit code, which comes once it has ended."""

    def __iter__(self) -> Iterator[int]:
        yield _exit_code(self._body.read(_LONGEST_ANSWER))


def _exit_code(answer: bytes) -> int:
    """Return the code in the engine's answer to a wait; raise `ValueError` for any other answer."""
    try:
        document = json.loads(answer)
    except RecursionError:
        document = None
    code = document.get("StatusCode") if isinstance(document, dict) else None
    if type(code) is not int:
        raise ValueError(f"the engine's answer to a wait has no exit code: {answer[:80]!r}")
    return code


class AttachSource(Source[list[RawLine]]):
    """Reader of an attach stream, in batches of lines."""

    def __iter__(self) -> Iterator[list[RawLine]]:
        yield []
        frames, lines = Demultiplexer(), LineSplitter()
        while chunk := self._body.read1(CHUNK):
            now = datetime.now(UTC)
            batch = [RawLine(now, text) for data in frames.feed(chunk) for text in lines.feed(data)]
            if batch:
                yield batch
        if rest := lines.end():
            yield [RawLine(datetime.now(UTC), text) for text in rest]
