"""The messages of a slice in the order in which they were written, without the help of its index.

Two servers that write into one file each keep an index of their own view of it, so neither index says where a
message is. A write that lands within another's leaves a torn record: reading goes on at the next record that
is whole, which is found by the channel's name in it.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator
from pathlib import Path

from stanlocal.store.format.bulk_messages import (
    LARGEST_MESSAGE,
    BulkMessage,
    whole_message,
    without_data,
)
from stanlocal.store.format.crc import HEAD_BYTES
from stanlocal.store.format.files import VERSION, VERSION_BYTES, StoreFile, opened_file
from stanlocal.store.format.records import BATCH_BYTES, HEAD, Damage, Flaw, read_records
from stanlocal.store.format.slices import SliceFiles
from stanlocal.store.format.varints import varint_of

_WIDEST = 10
"""Bytes of the largest sequence."""


def read_raw(store: Path, slice_: SliceFiles) -> Iterator[BulkMessage | Damage]:
    """Yield every whole message of a slice, and each damaged record in its place.

    Raises `OSError` when the file cannot be read.
    """
    if slice_.data is None:
        yield without_data(slice_)
        return
    name = slice_.data.rpartition("/")[0].encode()
    subject = b"\x12" + varint_of(len(name)) + name
    with opened_file(store, slice_.data) as data:
        if data.version != VERSION:
            yield Damage(0, Flaw.VERSION, f"format version {data.version}, not {VERSION}")
            return
        at: int | None = VERSION_BYTES
        while at is not None:
            at = yield from _run(data, at, subject)


def _run(data: StoreFile, start: int, subject: bytes) -> Generator[BulkMessage | Damage, None, int | None]:
    """Yield records up to the first damaged one; return where the next whole one begins, if there is any."""
    for found in read_records(data, typed=False, start=start):
        message = whole_message(data, found)
        if not isinstance(message, Damage):
            yield message.sequence, message.timestamp, message.data
            continue
        yield message
        if message.flaw is Flaw.ZEROS:
            return None
        return _next_record(data, message.offset, subject)
    return None


def _next_record(data: StoreFile, damaged: int, subject: bytes) -> int | None:
    """Return the offset of the first whole record behind a damaged one.

    Where the damaged one's own size leads to a whole record, its size is right.
    """
    size: int = HEAD.unpack(data.read(damaged, HEAD_BYTES).ljust(HEAD_BYTES, b"\0"))[0]
    following = damaged + HEAD_BYTES + size
    if _is_whole(data, following, subject):
        return following
    overlap = HEAD_BYTES + 1 + _WIDEST + len(subject)
    for base in range(damaged + 1, data.size, BATCH_BYTES):
        piece = data.read(base, BATCH_BYTES + overlap)
        at = piece.find(subject)
        while at >= 0:
            for width in range(1, _WIDEST + 1):
                begin = base + at - width - 1 - HEAD_BYTES
                if begin > damaged and _is_whole(data, begin, subject):
                    return begin
            at = piece.find(subject, at + 1)
    return None


def _is_whole(data: StoreFile, offset: int, subject: bytes) -> bool:
    """Return whether a message of the channel with the right checksum begins there."""
    beginning = data.read(offset, HEAD_BYTES + 1 + _WIDEST + len(subject))
    if len(beginning) < HEAD_BYTES + 2 or beginning[HEAD_BYTES] != 0x08:
        return False
    size: int
    crc: int
    size, crc = HEAD.unpack_from(beginning)
    width = next(
        (n for n in range(1, _WIDEST + 1) if beginning[HEAD_BYTES + n : HEAD_BYTES + n + 1] < b"\x80"), 0
    )
    if (
        not width
        or not beginning[HEAD_BYTES + 1 + width :].startswith(subject)
        or size > LARGEST_MESSAGE
        or offset + HEAD_BYTES + size > data.size
    ):
        return False
    return zlib.crc32(data.read(offset + HEAD_BYTES, size)) == crc
