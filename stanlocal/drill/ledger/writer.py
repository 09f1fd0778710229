"""The writer of ledgers: append-only files of everything that a load and its group did.

A note is on disk when `note` returns; events of the load follow within `FLUSH_S`. All are written in the
order in which they were reported: a drill that is killed leaves the beginning of its ledger, in which every
delivery comes after its publish.
"""

from __future__ import annotations

import asyncio
import os
import time as clock
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from zlib import crc32

from stanlocal.drill.ledger.entries import ABSENT, CELL, Header, Kind, Note
from stanlocal.errors import LedgerError

FLUSH_S = 0.25
"""Seconds of the load's last events that a `kill -9` can cost."""
_BUFFER = 64 * 1024


class Ledger:
    """A ledger that is being written, in one event loop; ``with`` closes it.

    A full disk is reported by the next `note`, by `close`, and as `failure`. Later entries are dropped, so
    that the file stays the beginning of what happened.
    """

    def __init__(self, path: Path, file: BinaryIO, header: Header) -> None:
        self.path = path
        self.header = header
        self.failure: LedgerError | None = None
        """Error that ended the writing; None while it works."""
        self._file = file
        self._cells = bytearray()
        self._due: asyncio.TimerHandle | None = None

    @classmethod
    def create(cls, path: Path, header: Header) -> Ledger:
        """Create a file readable by its owner only; raises `LedgerError` when it exists or cannot be made."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except OSError as error:
            raise LedgerError(f"no ledger can be made at {path}: {error.strerror}; choose another") from error
        ledger = cls(path, os.fdopen(descriptor, "wb", buffering=0), header)
        ledger._cells += header.line()
        try:
            ledger.flush()
        except LedgerError:
            ledger._file.close()
            raise
        return ledger

    def event(
        self,
        kind: Kind,
        publisher: int = ABSENT,
        number: int = 0,
        reader: int = ABSENT,
        sequence: int = 0,
        flags: int = 0,
        extra: int = 0,
    ) -> int:
        """Record an event of the load; return its time, which is now (ns since 1970, UTC)."""
        now = clock.time_ns()
        self._cells += CELL.pack(now, sequence, number, extra, publisher, reader, flags, kind)
        if len(self._cells) >= _BUFFER:
            self._write()
        elif self._due is None:
            self._due = asyncio.get_running_loop().call_later(FLUSH_S, self._write)
        return now

    def note(self, kind: str, time: datetime, **fields: Any) -> None:
        """Record a note, whose `fields` are JSON values. It is on disk when this returns.

        `time` is when it happened, which may be before the latest entry.
        """
        text = Note(kind, time, fields).text()
        moment = int(time.timestamp() * 1e9)
        self._cells += CELL.pack(moment, 0, len(text), crc32(text), ABSENT, ABSENT, 0, Kind.NOTE)
        self._cells += text + b" " * (-len(text) % CELL.size)
        self.flush(sync=True)

    def flush(self, *, sync: bool = False) -> None:
        """Write what is buffered, with `sync` to the disk itself; raises `LedgerError` when that fails."""
        self._write(sync=sync)
        if self.failure is not None:
            raise self.failure

    def _write(self, *, sync: bool = False) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        rest = memoryview(bytes(self._cells))
        self._cells.clear()
        try:
            while rest and self.failure is None:
                rest = rest[self._file.write(rest) :]
            if sync and self.failure is None:
                os.fsync(self._file.fileno())
        except OSError as error:
            self.failure = LedgerError(
                f"the ledger {self.path} cannot be written: {error.strerror}; make room, and drill again"
            )
            self.failure.__cause__ = error

    def close(self) -> None:
        """Write what is buffered, and close the file; does nothing when closed."""
        if not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
