"""Segments of a process's output: numbered files of limited size, each line with its arrival time.

Line: RFC 3339 in UTC with microseconds, a blank, the text. A file is complete once the next one exists.
Old files are removed, oldest first, except those being read: a reader holds a shared lock on its current
file, which the kernel frees when it ends. So a reader loses nothing while it is at most `MOST_SEGMENTS`
files behind.

The module is small on purpose, like everything that the supervisor loads.
"""

from __future__ import annotations

import fcntl
import os
import time

SEGMENT_BYTES = 10 << 20
KEPT_SEGMENTS = 3
"""Files kept without readers; as many as of containers."""
MOST_SEGMENTS = 64
"""Files kept with readers: a stalled reader must not fill the disk."""
MAX_LINE = 1 << 20
"""Bytes; a longer line is kept as several: output is untrusted."""


def segment_name(number: int) -> str:
    return f"{number:08d}.log"


def segment_numbers(folder: str) -> list[int]:
    """Return the numbers of the existing segments, in order; none if there is no such folder."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(name[:8]) for name in names if len(name) == 12 and name[:8].isdigit())


def stamp(time_ns: int) -> str:
    """Format a time as RFC 3339 in UTC with microseconds."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest // 1000:06d}Z"


class SegmentWriter:
    """The only writer of the segments in one folder."""

    def __init__(self, folder: str, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._rest = b""
        self._lost = 0
        self._number = max(segment_numbers(folder), default=1)
        self._file = self._open()
        self._end_cut_line()

    def _open(self) -> int:
        path = f"{self._folder}/{segment_name(self._number)}"
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def _end_cut_line(self) -> None:
        """End a line that a killed writer or a full disk left incomplete."""
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            self._append(b"\n")

    def write(self, data: bytes) -> None:
        """Write the lines that are complete by now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            lines.append(self._rest)
            self._rest = b""
        if lines:
            self._keep(lines)

    def close(self) -> None:
        """Write the rest, even without its line end, and close the file."""
        if self._rest:
            self._keep([self._rest])
            self._rest = b""
        os.close(self._file)

    def _keep(self, lines: list[bytes]) -> None:
        now = f"{stamp(time.time_ns())} ".encode()
        block = b"".join([now + line + b"\n" for line in lines])
        try:
            if self._lost:
                self._end_cut_line()
                self._append(now + b"(%d bytes of output were lost: the disk was full)\n" % self._lost)
                self._lost = 0
            self._append(block)
            if os.fstat(self._file).st_size >= self._segment_bytes:
                self._next()
        except OSError:  # the server must continue, even if its output is lost
            self._lost += len(block)

    def _append(self, block: bytes) -> None:
        while block:
            block = block[os.write(self._file, block) :]

    def _next(self) -> None:
        self._number += 1
        before, self._file = self._file, self._open()
        os.close(before)
        numbers = segment_numbers(self._folder)
        for number in numbers[:-KEPT_SEGMENTS]:
            if not self._remove(number, insist=number <= numbers[-1] - MOST_SEGMENTS):
                break

    def _remove(self, number: int, *, insist: bool) -> bool:
        path = f"{self._folder}/{segment_name(number)}"
        file = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
        except BlockingIOError:  # it is being read
            if insist:
                os.unlink(path)
            return insist
        finally:
            os.close(file)
        return True
