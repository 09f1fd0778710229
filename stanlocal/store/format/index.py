"""The index of a slice: 32 bytes for each message, to find one without reading the others."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from stanlocal.store.format.crc import INDEX_BYTES, index_intact, index_record_intact
from stanlocal.store.format.files import VERSION_BYTES, StoreFile

BLOCK_RECORDS = 4096
RECORD_BYTES = 8 + INDEX_BYTES
"""Bytes that the server counts for a message besides its payload: head and index record."""
_RECORD = struct.Struct("<QQQII")


@dataclass(frozen=True, slots=True)
class Entry:
    """The index entry of one message."""

    sequence: int
    offset: int
    """Offset of the message's record in the slice."""
    timestamp: int
    """Time in nanoseconds since the epoch."""
    size: int
    """Bytes of the message's payload in the record."""

    @property
    def end(self) -> int:
        return self.offset + 8 + self.size


@dataclass(frozen=True, slots=True)
class Block:
    """The entries of a part of an index, by columns; negative numbers are read as huge ones."""

    first: int
    """Number of the block's first entry in the index."""
    sequences: array[int]
    offsets: array[int]
    timestamps: array[int]
    sizes: array[int]

    def __len__(self) -> int:
        return len(self.sequences)

    def part(self, low: int, high: int) -> Block:
        columns = (self.sequences, self.offsets, self.timestamps, self.sizes)
        return Block(self.first + low, *(column[low:high] for column in columns))

    def entry(self, at: int) -> Entry:
        return Entry(self.sequences[at], self.offsets[at], self.timestamps[at], self.sizes[at])


@dataclass(frozen=True, slots=True)
class IndexFlaw:
    """The place from which an index is unusable, and the reason."""

    offset: int
    what: Literal["checksum", "cut short", "zeros"]


def count(file: StoreFile) -> int:
    """Return the number of whole records in the index."""
    return max(file.size - VERSION_BYTES, 0) // INDEX_BYTES


def read_entry(file: StoreFile, number: int) -> Entry | None:
    """Return the entry with this number; None when it is not intact."""
    record = file.read(VERSION_BYTES + number * INDEX_BYTES, INDEX_BYTES)
    if len(record) < INDEX_BYTES or not index_record_intact(record):
        return None
    return Entry(*_RECORD.unpack(record)[:4])


def read_blocks(file: StoreFile, number: int = 0) -> Iterator[Block | IndexFlaw]:
    """Yield the checked entries from `number` on in blocks, up to the first flaw, as the server does."""
    while True:
        at = VERSION_BYTES + number * INDEX_BYTES
        data = file.read(at, BLOCK_RECORDS * INDEX_BYTES)
        whole = len(data) // INDEX_BYTES * INDEX_BYTES
        block, good = _block(number, data[:whole]), whole
        if block is None:
            good = _first_flaw(data)
            block = _block(number, data[:good])
        if block:
            yield block
        if good < whole:
            zeros = not any(data[good : good + INDEX_BYTES])
            yield IndexFlaw(at + good, "zeros" if zeros else "checksum")
            return
        if whole < len(data):
            yield IndexFlaw(at + whole, "cut short")
            return
        if not data:
            return
        number += whole // INDEX_BYTES


def _first_flaw(data: bytes) -> int:
    return next(
        at for at in range(0, len(data), INDEX_BYTES) if not index_record_intact(data[at : at + INDEX_BYTES])
    )


def _block(number: int, data: bytes) -> Block | None:
    """Return the entries in `data`; None when one of them is damaged."""
    if not index_intact(data):
        return None
    words = array("Q", data)
    sequences, offsets, timestamps, tails = (words[at::4] for at in range(4))
    sizes = array("I", tails.tobytes())[0::2]
    if sys.byteorder == "big":
        for column in (sequences, offsets, timestamps, sizes):
            column.byteswap()
    return Block(number, sequences, offsets, timestamps, sizes)


def find(file: StoreFile, field: Literal["sequence", "timestamp"], value: int) -> int:
    """Return the number of the first entry whose field is at least `value`, or `count(file)`.

    Raises `ValueError` at a damaged entry.
    """
    low, high = 0, count(file)
    while low < high:
        middle = (low + high) // 2
        entry = read_entry(file, middle)
        if entry is None:
            raise ValueError(f"entry {middle} is damaged")
        low, high = (middle + 1, high) if getattr(entry, field) < value else (low, middle)
    return low
