"""Records of a store's file, read one by one and checked.

``head u32, CRC u32, payload``, little-endian, from offset 4 on. In typed files (clients, subscriptions)
the head is type<<24 | size, in the others (messages, the server's) it is the size
(nats-streaming-server, stores/filestore.go).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, TypeAlias

from stanlocal.store.format.crc import HEAD_BYTES
from stanlocal.store.format.files import VERSION_BYTES, StoreFile

HEAD = struct.Struct("<II")
BATCH_BYTES = 1 << 20
"""Bytes read at a time, and so held in memory."""
LARGEST = 8 << 20
"""Bytes of the largest message that is read into memory: what NATS recommends at most. The size in a head is
whatever the file's bytes are, and the file may have holes that take no room on disk."""
LARGEST_TYPED = 1 << 20
"""Bytes of the largest client or subscription, which has a few names in it."""


class Flaw(Enum):
    """A kind of damage at some place of a file."""

    CRC = auto()
    SIZE = auto()
    """The size differs from the one in the index."""
    CUT_SHORT = auto()
    ZEROS = auto()
    TYPE = auto()
    MISFIT = auto()
    """The record's fields are those of another type."""
    UNDECODABLE = auto()
    UNDECRYPTABLE = auto()
    """The record is intact, and the store's key does not fit."""
    LARGE = auto()
    """The record is intact, and too large to be shown."""
    VERSION = auto()


class Record(NamedTuple):
    """An intact record; a tuple, because stores have millions."""

    offset: int
    type: int
    """Type of the record; 0 in files without types."""
    payload: bytes

    @property
    def end(self) -> int:
        return self.offset + HEAD_BYTES + len(self.payload)


class LargeRecord(NamedTuple):
    """An intact record that was not read into memory."""

    offset: int
    size: int
    beginning: bytes
    """The first bytes of the payload."""

    @property
    def end(self) -> int:
        return self.offset + HEAD_BYTES + self.size


@dataclass(frozen=True, slots=True)
class Damage:
    """A record that is not intact."""

    offset: int
    flaw: Flaw
    detail: str


Found: TypeAlias = Record | LargeRecord | Damage
_BEGINNING = 16
"""Bytes kept of a large message's payload: its sequence, which is written first."""


def read_records(file: StoreFile, *, typed: bool, start: int = VERSION_BYTES) -> Iterator[Found]:
    """Yield the records from offset `start` on.

    A record that does not match its checksum is yielded as `Damage`; the next one is read where it ends by
    its own size. Nothing follows `CUT_SHORT` and `ZEROS`.
    """
    largest = LARGEST_TYPED if typed else LARGEST
    base, data, at = start, file.read(start, BATCH_BYTES), 0
    while True:
        if len(data) - at < HEAD_BYTES:
            base, data, at = base + at, file.read(base + at, BATCH_BYTES), 0
            if len(data) < HEAD_BYTES:
                if data:
                    yield Damage(base, Flaw.CUT_SHORT, f"ends after {len(data)} of a head's 8 bytes")
                return
        offset = base + at
        head, crc = HEAD.unpack_from(data, at)
        if head == crc == 0:
            yield Damage(offset, Flaw.ZEROS, f"zeros from here to the end, {file.size - offset} bytes")
            return
        size = head & 0xFFFFFF if typed else head
        if offset + HEAD_BYTES + size > file.size:
            there = file.size - offset - HEAD_BYTES
            yield Damage(offset, Flaw.CUT_SHORT, f"ends after {there} of a record's {size} bytes")
            return
        if size > largest:
            found = large_message(file, offset, size, crc)
            if typed and isinstance(found, LargeRecord):
                found = Damage(
                    offset, Flaw.UNDECODABLE, f"a record of {size} bytes, which the server never has"
                )
            yield found
            base, data, at = offset + HEAD_BYTES + size, b"", 0
            continue
        if len(data) - at < HEAD_BYTES + size:
            base, data, at = offset, file.read(offset, max(BATCH_BYTES, HEAD_BYTES + size)), 0
            if len(data) < HEAD_BYTES + size:
                yield Damage(offset, Flaw.CUT_SHORT, "the file became shorter while it was read")
                return
        payload = data[at + HEAD_BYTES : at + HEAD_BYTES + size]
        computed = zlib.crc32(payload)
        if computed == crc:
            yield Record(offset, head >> 24 if typed else 0, payload)
        else:
            yield Damage(offset, Flaw.CRC, f"checksum 0x{computed:08x}, the record says 0x{crc:08x}")
        at += HEAD_BYTES + size


def large_message(file: StoreFile, offset: int, size: int, crc: int) -> LargeRecord | Damage:
    """Check a record that is too large to be read into memory, piece by piece."""
    begin, computed = offset + HEAD_BYTES, 0
    for at in range(begin, begin + size, BATCH_BYTES):
        computed = zlib.crc32(file.read(at, min(BATCH_BYTES, begin + size - at)), computed)
    if computed != crc:
        return Damage(offset, Flaw.CRC, f"checksum 0x{computed:08x}, the record says 0x{crc:08x}")
    return LargeRecord(offset, size, file.read(begin, _BEGINNING))
