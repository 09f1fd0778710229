"""The reader of ledgers: in pieces, so that any size is read, even when the end is missing."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from sys import getsizeof
from typing import BinaryIO, TypeAlias
from zlib import crc32

from stanlocal.drill.ledger.entries import CELL, Header, Kind, Note
from stanlocal.errors import LedgerError

_PIECE = 32 * 1024 * CELL.size
"""Bytes of one read."""
_LONGEST_HEADER = 1 << 20
_LONGEST_NOTE = 1 << 22
_MOST_PARTS = 100_000
"""Limit for the lists and tables of a note: each takes 60 bytes of memory or more, but two in the file."""
_MOST_VALUES = 250_000
_NOTE_BYTES = 250
_ROOM_FOR_NOTES = 24 << 20
"""Bytes of memory for all notes of a ledger: some 30,000 of those that a drill writes."""
_EVENTS = bytes(kind for kind in Kind if kind is not Kind.NOTE)
_NOTE = bytes([Kind.NOTE])


@dataclass(frozen=True, slots=True)
class Torn:
    """The end of a ledger whose writer was killed, or whose file is damaged."""

    offset: int
    """Number of bytes before it."""
    what: str


Part: TypeAlias = "bytes | Note | Torn"
"""Whole cells of events, one after the other, as `CELL.iter_unpack` takes them; or a note; or the end."""


@dataclass(frozen=True, slots=True)
class LedgerReading:
    """A readable ledger; each reading starts from its beginning."""

    header: Header
    opened: Callable[[], BinaryIO]

    def parts(self) -> Iterator[Part]:
        """Yield its parts in order, a `Torn` last. Raises `LedgerError` when it cannot be read."""
        try:
            with self.opened() as file:
                yield from _parts(file)
        except OSError as error:
            raise LedgerError(f"the ledger cannot be read: {error.strerror}; see that it is there") from error

    def notes(self) -> Iterator[Note]:
        """Yield only the notes, in order."""
        return (part for part in self.parts() if isinstance(part, Note))


def read(path: Path) -> LedgerReading:
    """Open the ledger in a file; raises `LedgerError` when the file is missing or not a ledger."""
    try:
        with path.open("rb") as file:
            header = _header(file, str(path))
    except OSError as error:
        raise LedgerError(f"{path} cannot be read: {error.strerror}; give a drill's ledger") from error
    return LedgerReading(header, lambda: path.open("rb"))


def read_bytes(data: bytes) -> LedgerReading:
    """Open a ledger in memory; raises `LedgerError` when the bytes are not one."""
    return LedgerReading(_header(io.BytesIO(data), "this"), lambda: io.BytesIO(data))


def _header(file: BinaryIO, name: str) -> Header:
    line = file.readline(_LONGEST_HEADER)
    try:
        if not line.endswith(b"\n") or len(line) % CELL.size:
            raise ValueError("its first line is not a ledger's")
        return Header.read(line)
    except (ValueError, RecursionError) as error:
        raise LedgerError(f"{name} is not a drill's ledger: {error}; give one that a drill wrote") from error


def _parts(file: BinaryIO) -> Iterator[Part]:
    offset = len(file.readline(_LONGEST_HEADER))
    left, room = b"", _ROOM_FOR_NOTES
    while True:
        piece = left if len(left) >= CELL.size else left + file.read(_PIECE)
        if len(piece) < CELL.size:
            break
        kinds = piece[CELL.size - 1 :: CELL.size]
        events = len(kinds) - len(kinds.lstrip(_EVENTS))
        if events:
            size = events * CELL.size
            yield piece[:size]
            offset, left = offset + size, piece[size:]
            continue
        if kinds[:1] != _NOTE:
            yield Torn(offset, "a cell that was begun and not finished, or is damaged")
            return
        note, left = _note(file, piece)
        if note is None:
            yield Torn(offset, "a note that was begun and not finished, or is damaged")
            return
        room -= _memory(note)
        if room < 0:
            raise LedgerError(
                f"the ledger's notes take more than {_ROOM_FOR_NOTES >> 20} MB; record shorter drills"
            )
        yield note
        offset = file.tell() - len(left)
    if piece:
        yield Torn(offset, f"{len(piece)} bytes, less than a cell")


def _note(file: BinaryIO, piece: bytes) -> tuple[Note | None, bytes]:
    """Return the note that `piece` begins with, and the rest."""
    _, _, length, checksum, *_ = CELL.unpack_from(piece)
    end = CELL.size + length + -length % CELL.size
    if length > _LONGEST_NOTE:
        return None, b""
    if end > len(piece):
        piece += file.read(end - len(piece))
    text = piece[CELL.size : CELL.size + length]
    if len(piece) < end or crc32(text) != checksum:
        return None, b""
    if text.count(b"[") + text.count(b"{") > _MOST_PARTS or text.count(b",") > _MOST_VALUES:
        return None, b""
    try:
        return Note.read(text), piece[end:]
    except (ValueError, RecursionError):
        return None, b""


def _memory(note: Note) -> int:
    """Return how many bytes of memory a note takes."""
    size, todo = _NOTE_BYTES, list[object]([note.fields])
    while todo:
        value = todo.pop()
        size += getsizeof(value)
        if isinstance(value, Mapping):
            todo += value
            todo += value.values()
        elif isinstance(value, list):
            todo += value
    return size
