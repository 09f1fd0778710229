"""The saved log of a node, which outlives the container: at most two files of limited size."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from stanlocal.util.durable_write import full_disk_reported
from stanlocal.util.timestamps import rfc3339

if TYPE_CHECKING:
    from stanlocal.model.instance import RawLine

_LONGEST_LINE = 2 << 20
"""Characters of the longest line that stanlocal writes; a longer one is not ours."""
_TAIL_BYTES = 1 << 20
"""Tail window searched for the last saved line."""

Read = Callable[[], "AsyncGenerator[Sequence[RawLine]]"]
"""Reader of a node's output, in batches, from its first kept line each time it is called."""


class SavedLog:
    """The log in `path`; when it has more than `largest` bytes, the next lines begin it again."""

    def __init__(self, path: Path, largest: int) -> None:
        self._path = path
        self._largest = largest

    def lines(self) -> Iterator[RawLine]:
        """Yield the saved lines, oldest first."""
        for part in (self._path.with_suffix(".log.1"), self._path):
            if part.exists():
                with part.open(encoding="utf-8", errors="replace", newline="\n") as file:
                    found = iter(lambda file=file: file.readline(_LONGEST_LINE), "")  # type: ignore[misc]
                    yield from filter(None, map(_line, found))

    async def add(self, read: Read) -> None:
        """Save output, without the lines up to the last saved one.

        So the call can be repeated if a tool was killed during it. Raises `StateError` when the disk is full,
        and what `read` raises.
        """
        with full_disk_reported(self._path):
            last = self._end_whole() if self._path.exists() else None
        skipped = 0 if last is None else await _count_to(last, read)
        file: TextIO | None = None
        try:
            async with aclosing(read()) as batches:
                async for batch in batches:
                    news, skipped = batch[skipped:], max(0, skipped - len(batch))
                    with full_disk_reported(self._path):
                        file = file or self._open()
                        file.writelines(f"{rfc3339(line.time)} {line.text}\n" for line in news)
        finally:
            if file is not None:
                with full_disk_reported(self._path):
                    file.close()

    def _open(self) -> TextIO:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._path.exists() and self._path.stat().st_size > self._largest:
            self._path.replace(self._path.with_suffix(".log.1"))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="replace")

    def _end_whole(self) -> RawLine | None:
        """Cut off a torn end of the file; return the last saved line."""
        with self._path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            *tail, torn = file.read().decode("utf-8", "surrogateescape").split("\n")
            file.truncate(size - len(torn.encode("utf-8", "surrogateescape")))
        return next(filter(None, (_line(f"{line}\n") for line in reversed(tail))), None)


async def _count_to(last: RawLine, read: Read) -> int:
    """Return the number of lines up to the first that is `last`; 0 if there is none."""
    count = 0
    async with aclosing(read()) as batches:
        async for batch in batches:
            if last in batch:
                return count + list(batch).index(last) + 1
            count += len(batch)
    return 0


def _line(line: str) -> RawLine | None:
    from stanlocal.model.instance import RawLine

    stamp, _, text = line.removesuffix("\n").partition(" ")
    try:
        time = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    whole = line.endswith("\n")  # not cut short by a full disk or a kill
    return RawLine(time, text) if whole and time.tzinfo else None
