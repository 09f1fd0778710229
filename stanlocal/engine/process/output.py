"""Output of a node, read from the segments: all of it in batches, its last lines, or as it is written."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO

from stanlocal.engine.process.supervisor.segments import MAX_LINE, segment_name, segment_numbers
from stanlocal.model.instance import RawLine, batches

_CHUNK = 1 << 18
_BLOCK = 1 << 16
_LONGEST_LINE = 2 * MAX_LINE + (1 << 10)
"""Most bytes read of one line: more than the supervisor writes, its time included."""
_LONGEST_TAIL = 16 << 20
"""Most bytes read from the end for the last lines."""


def kept(folder: Path, *, since: datetime | None = None) -> Generator[list[RawLine]]:
    """Yield the lines that are not older than `since`, oldest first, in batches that are not empty.

    Until the end the writer keeps the output that it has written by now.
    """
    with ExitStack() as files:
        segments = [_kept_open(folder / segment_name(n), files) for n in segment_numbers(str(folder))]
        lines = chain.from_iterable(_lines(file) for file in segments if file is not None)
        yield from batches(line for line in _parse(lines) if since is None or line.time >= since)


def last_lines(folder: Path, count: int) -> list[RawLine]:
    """Return the last `count` lines, oldest first."""
    segments = [folder / segment_name(number) for number in segment_numbers(str(folder))]
    return list(_parse(_last(segments, count)))


def _kept_open(path: Path, files: ExitStack) -> IO[bytes] | None:
    """Return an open file that the writer does not remove; None for the oldest, just rotated away."""
    try:
        file = files.enter_context(path.open("rb"))
    except FileNotFoundError:
        return None
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of one file; the excess of an overlong line comes as lines without a time."""
    for line in iter(lambda: file.readline(_LONGEST_LINE), b""):
        yield line.rstrip(b"\n")


def _last(segments: Sequence[Path], count: int) -> list[bytes]:
    """Return the last `count` lines, read from the end; fewer where they are longer than `_LONGEST_TAIL`."""
    blocks: list[bytes] = []
    ends = size = 0
    for path in reversed(segments):
        try:
            file = path.open("rb")
        except FileNotFoundError:  # the oldest, just rotated away
            break
        with file:
            position = file.seek(0, os.SEEK_END)
            while position and ends <= count and size < _LONGEST_TAIL:
                start = max(0, position - _BLOCK)
                file.seek(start)
                blocks.append(file.read(position - start))
                ends += blocks[-1].count(b"\n")
                size += position - start
                position = start
        if position:
            break
    lines = b"".join(reversed(blocks)).split(b"\n")[:-1]
    return lines[max(0, len(lines) - count) :]


def _parse(lines: Iterable[bytes]) -> Iterator[RawLine]:
    for line in lines:
        stamp, _, text = line.rstrip(b"\r").decode("utf-8", "replace").partition(" ")
        try:
            time = datetime.fromisoformat(stamp)
        except ValueError:  # empty, or its head was cut off by a full disk or a kill
            continue
        if time.tzinfo is not None:
            yield RawLine(time, text)


class Tail:
    """A reader of the output that is written from now on; a context manager.

    While it is open, the writer keeps the output that it has not read yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None
        self._rest = b""
        numbers = segment_numbers(str(folder))
        self._number = numbers[-1] if numbers else 0
        if numbers:
            self._file = self._open(self._number)
            os.lseek(self._file, _whole_lines(self._file), os.SEEK_SET)

    def __enter__(self) -> Tail:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def read(self) -> list[RawLine]:
        """Return the next lines; an empty list when all output was read."""
        while True:
            following = next((n for n in segment_numbers(str(self._folder)) if n > self._number), None)
            if self._file is not None and (data := os.read(self._file, _CHUNK)):
                *lines, self._rest = (self._rest + data).split(b"\n")
                if len(self._rest) > _LONGEST_LINE:
                    lines.append(self._rest)
                    self._rest = b""
                if batch := list(_parse(lines)):
                    return batch
            elif following is None:
                return []
            else:  # it existed before the end of this one was reached, so this one is complete
                self._go_to(following)

    def _go_to(self, number: int) -> None:
        self._number = number
        try:
            following = self._open(number)
        except FileNotFoundError:  # this reader is so far behind that the writer removed it
            return
        if self._file is not None:
            os.close(self._file)
        self._file = following

    def _open(self, number: int) -> int:
        file = os.open(self._folder / segment_name(number), os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(file, fcntl.LOCK_SH)
        return file


def _whole_lines(file: int) -> int:
    """Return the offset where the last whole line ends: the writer may be in the middle of a block."""
    size = os.fstat(file).st_size
    position = size
    while position:
        start = max(0, position - _BLOCK)
        end = os.pread(file, position - start, start).rfind(b"\n")
        if end >= 0:
            return start + end + 1
        position = start
    return 0
