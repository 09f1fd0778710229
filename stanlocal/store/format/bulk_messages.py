"""The messages of a slice, many at a time: the quick way to read a whole store.

`read_messages` of `slices` makes an object of each message, which costs more than reading it. Here a message
is a tuple, cut out of the record where the index says that it is: the server writes the fields of a message
in one order, so all but its data is known beforehand. A record that is anything else is decoded.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import ExitStack
from functools import lru_cache
from itertools import compress, count
from operator import add, ne
from pathlib import Path
from typing import TypeAlias

from stanlocal.store.format import index
from stanlocal.store.format.crc import HEAD_BYTES
from stanlocal.store.format.files import VERSION, VERSION_BYTES, StoreFile, opened_file
from stanlocal.store.format.index import Block
from stanlocal.store.format.message import StoredMessage, decode
from stanlocal.store.format.records import (
    BATCH_BYTES,
    HEAD,
    Damage,
    Flaw,
    Found,
    LargeRecord,
    Record,
    read_records,
)
from stanlocal.store.format.slices import SliceFiles, read_one
from stanlocal.store.format.varints import varint_of, varints

BulkMessage: TypeAlias = tuple[int, int, bytes]
"""Sequence, time in nanoseconds since the epoch, and data."""

Piece: TypeAlias = list[BulkMessage] | Damage

_DATA_FIELD = 0x22
_TIME_FIELD = b"\x28"
_WORD = 1 << 64

LARGEST_MESSAGE = 64 << 20
"""Bytes of the largest record that is read: the most that NATS can be set to accept, and its head."""


def read_bulk(store: Path, slice_: SliceFiles, first_sequence: int = 0) -> Iterator[Piece]:
    """Yield the messages of a slice from `first_sequence` on, in order, and each damaged record in its place.

    A list holds about a megabyte, or one message. Every message is compared with its checksum and its index
    entry, and every byte of the file is read: what the index leaves out, and what it names twice, is damage.
    Raises `OSError` when a file cannot be read.
    """
    if slice_.data is None:
        yield without_data(slice_)
        return
    channel = slice_.data.rpartition("/")[0]
    with ExitStack() as files:
        entries = files.enter_context(opened_file(store, slice_.index)) if slice_.index else None
        data = files.enter_context(opened_file(store, slice_.data))
        if data.version != VERSION:
            yield Damage(0, Flaw.VERSION, f"format version {data.version}, not {VERSION}")
            return
        end = VERSION_BYTES
        if entries is not None and entries.version == VERSION:
            number = _start(entries, first_sequence)
            end = _end_before(entries, number)
            for block in index.read_blocks(entries, number):
                if not isinstance(block, Block):
                    break
                for low, high in _spans(block):
                    begin = block.offsets[low]
                    if begin != end:
                        yield from _misplaced(data, end, begin, block.sequences[low], first_sequence)
                    if begin >= end and block.sequences[high - 1] >= first_sequence:
                        yield from _span(data, block, low, high, channel, first_sequence)
                    end = max(end, block.entry(high - 1).end)
                    if end > data.size:  # the rest of the file is not there
                        return
        yield from _unlisted(data, end, data.size, first_sequence)


def without_data(slice_: SliceFiles) -> Damage:
    """Return the damage of a slice of which only the index is there, as in a copy that was broken off."""
    return Damage(0, Flaw.CUT_SHORT, f"msgs.{slice_.number}.dat, the messages of this index, is missing")


def _start(entries: StoreFile, first_sequence: int) -> int:
    """Return the entry to begin with; one behind the last if all come before."""
    try:
        return index.find(entries, "sequence", first_sequence)
    except ValueError:  # damaged on the way: from the beginning then
        return 0


def _end_before(entries: StoreFile, number: int) -> int:
    """Return where the record before that of an entry ends."""
    before = index.read_entry(entries, number - 1) if number else None
    return before.end if before is not None else VERSION_BYTES


def _spans(block: Block) -> Iterator[tuple[int, int]]:
    """Yield the parts of a block whose records follow each other, in about `BATCH_BYTES` bytes."""
    low = 0
    for stop in (*_jumps(block), len(block)):
        while low < stop:
            high = max(bisect_right(block.offsets, block.offsets[low] + BATCH_BYTES, low, stop), low + 1)
            yield low, high
            low = high


def _jumps(block: Block) -> Iterator[int]:
    """Yield the entries whose records do not begin where the one before ends."""
    ends = map(add, block.offsets, map(HEAD_BYTES.__add__, block.sizes))
    return compress(count(1), map(ne, block.offsets[1:], ends))


def _misplaced(data: StoreFile, end: int, begin: int, sequence: int, first_sequence: int) -> Iterator[Piece]:
    """Yield the damage of an index by which a record begins elsewhere than where the one before ends.

    What lies between them is read by itself; a message there that the index has elsewhere is damage too, as a
    channel has each sequence once.
    """
    place = f"the index has sequence {sequence} at {begin}, and the record before it ends at {end}"
    yield Damage(end, Flaw.MISFIT, place)
    for piece in _unlisted(data, end, min(begin, data.size), first_sequence):
        again = begin < data.size and not isinstance(piece, Damage) and piece[0][0] >= sequence
        yield Damage(end, Flaw.MISFIT, f"sequence {sequence} or later stands there too") if again else piece


def _span(
    data: StoreFile, block: Block, low: int, high: int, channel: str, first_sequence: int
) -> Iterator[Piece]:
    begin, end = block.offsets[low], block.entry(high - 1).end
    if begin < VERSION_BYTES or end > data.size or end - begin > 2 * BATCH_BYTES:
        yield from _singly(data, block, low, high, first_sequence)
        return
    buffer = data.read(begin, end - begin)
    found: list[BulkMessage] = []
    field = b"\x12" + varint_of(len(channel.encode())) + channel.encode()
    if max(block.timestamps[low:high]) >= _WORD // 2:  # before 1970
        yield from _singly(data, block, low, high, first_sequence)
        return
    columns = zip(
        block.sequences[low:high],
        varints(block.sequences[low:high]),
        block.offsets[low:high],
        block.timestamps[low:high],
        varints(block.timestamps[low:high]),
        block.sizes[low:high],
        strict=True,
    )
    for sequence, sequence_bytes, offset, time, time_bytes, size in columns:
        at = offset - begin
        payload = buffer[at + HEAD_BYTES : at + HEAD_BYTES + size]
        prefix = b"\x08" + sequence_bytes + field
        suffix = _TIME_FIELD + time_bytes
        if (
            buffer[at : at + HEAD_BYTES] != HEAD.pack(size, zlib.crc32(payload))
            or not payload.startswith(prefix)
            or not payload.endswith(suffix)
        ):
            break
        place, rest = len(prefix), size - len(suffix)
        if place == rest:
            content = b""
        else:
            width = _width(rest - place - 1)
            if payload[place : place + 1 + width] != _data_head(rest - place - 1 - width):
                break
            content = payload[place + 1 + width : rest]
        if sequence >= first_sequence:
            found.append((sequence, time, content))
    else:
        if found:
            yield found
        return
    yield from _singly(data, block, low, high, first_sequence)


def _width(size: int) -> int:
    """Return the bytes of the length of data that takes `size` bytes together with its length."""
    width = 1
    while size - width >= 1 << 7 * width:
        width += 1
    return width


@lru_cache(maxsize=4096)
def _data_head(size: int) -> bytes:
    return bytes((_DATA_FIELD,)) + varint_of(size)


def _singly(data: StoreFile, block: Block, low: int, high: int, first_sequence: int) -> Iterator[Piece]:
    """Read messages one by one: something is unusual about one of them."""
    for at in range(low, high):
        entry = block.entry(at)
        if entry.offset < VERSION_BYTES or entry.end > data.size:
            yield Damage(entry.offset, Flaw.CUT_SHORT, f"sequence {entry.sequence} is not in the file")
            continue
        message = whole_message(data, read_one(data, entry))
        if isinstance(message, Damage):
            yield message
        elif (message.sequence, message.timestamp % _WORD) != (entry.sequence, entry.timestamp):
            yield Damage(
                entry.offset,
                Flaw.MISFIT,
                f"the index has sequence {entry.sequence}, time {entry.timestamp}; "
                f"the message is sequence {message.sequence}, time {message.timestamp}",
            )
        elif message.sequence >= first_sequence:
            yield [(message.sequence, message.timestamp, message.data)]


def _unlisted(data: StoreFile, start: int, stop: int, first_sequence: int) -> Iterator[Piece]:
    """Read the messages between two offsets, which the index does not have."""
    for found in read_records(data, typed=False, start=start) if start < stop else ():
        if found.offset >= stop:
            return
        message = whole_message(data, found)
        if isinstance(message, Damage):
            yield message
        elif message.sequence >= first_sequence:
            yield [(message.sequence, message.timestamp, message.data)]


def whole_message(data: StoreFile, found: Found) -> StoredMessage | Damage:
    """Decode what was found in a file; a large record is read, up to `LARGEST_MESSAGE`."""
    if isinstance(found, Damage):
        return found
    if isinstance(found, LargeRecord):
        if found.size > LARGEST_MESSAGE:
            return Damage(
                found.offset, Flaw.LARGE, f"{found.size} bytes; NATS takes {LARGEST_MESSAGE} at most"
            )
        found = Record(found.offset, 0, data.read(found.offset + HEAD_BYTES, found.size))
    try:
        return decode(found.payload)
    except ValueError as error:
        return Damage(found.offset, Flaw.UNDECODABLE, f"no message: {error}")
