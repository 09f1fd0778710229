"""Reading an archive that `pack` wrote, entry by entry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cramjam import DecompressionError, snappy

from stanlocal.errors import StoreRefused
from stanlocal.migrate.archive.entries import MAGIC
from stanlocal.store.format.wire import varint

_COMPRESSED, _UNCOMPRESSED, _IDENTIFIED = 0x00, 0x01, 0xFF
_HEAD_BYTES, _CRC_BYTES = 4, 4
_IDENTIFIER = b"\xff\x06\0\0sNaPpY"
"""The frame with which a stream begins."""
_LARGEST_FRAME = 1 << 16
"""Bytes of a frame's content, at most, by the framing format."""
_LONGEST_HEAD = 50
"""Bytes of the five numbers before an entry's name, at most."""
_LARGEST_ENTRY = 256 << 20
"""Bytes of an entry, at most: four times the largest message of a NATS server, for a consumer's state."""


class Entry(NamedTuple):
    """One entry of an archive; a message if it has a sequence."""

    name: str
    time: int
    """Nanoseconds since the epoch."""
    sequence: int
    data: bytes


def read_archive(path: Path) -> Iterator[Entry]:
    """Yield the entries up to the end mark, each after its frames have been compared with their checksums.

    Raises `StoreRefused` for a file that is no whole archive, or is damaged.
    """
    held, at = bytearray(), 0
    begun = False
    try:
        for content in _frames(path):
            del held[:at]
            held += content
            at = 0
            if not begun:
                if held[: len(MAGIC)] != MAGIC:
                    break
                begun, at = True, len(MAGIC)
            while (found := _entry(held, at)) is not None:
                entry, at = found
                if not entry.name:
                    return
                yield entry
    except ValueError as error:
        raise StoreRefused(f"{path} is damaged ({error}); pack the store again") from error
    except OSError as error:
        raise StoreRefused(f"cannot read {path} ({error.strerror}); pack the store again") from error
    raise StoreRefused(f"{path} breaks off; pack the store again")


def _frames(path: Path) -> Iterator[bytes]:
    """Yield the content of each frame of a file in snappy's framing format."""
    with path.open("rb") as file:
        while head := file.read(_HEAD_BYTES):
            kind, size = head[0], int.from_bytes(head[1:], "little")
            body = file.read(size)
            if len(head) < _HEAD_BYTES or len(body) < size:
                return
            if kind == _COMPRESSED and (content := varint(body, _CRC_BYTES)[0]) > _LARGEST_FRAME:
                raise ValueError(f"a frame of {content:,} bytes")
            if kind in (_COMPRESSED, _UNCOMPRESSED):
                yield _content(head + body)
            elif kind != _IDENTIFIED:  # also none that may be skipped: `pack` writes none
                raise ValueError(f"a frame of unknown kind {kind}")


def _content(frame: bytes) -> bytes:
    """Return what a frame holds; as a stream of its own, because only of streams are checksums compared."""
    try:
        return bytes(snappy.decompress(_IDENTIFIER + frame))
    except DecompressionError as error:
        raise ValueError(str(error)) from error


def _entry(held: bytearray, at: int) -> tuple[Entry, int] | None:
    """Return the entry at an offset, and its end; None if the rest of it is still to come."""
    head = bytes(held[at : at + _LONGEST_HEAD])
    try:
        name_size, end = varint(head, 0)
        time, end = varint(head, end)
        sequence, end = varint(head, end)
        header_size, end = varint(head, end)
        data_size, end = varint(head, end)
    except ValueError:
        if len(head) == _LONGEST_HEAD:
            raise
        return None
    begin = at + end
    if (size := name_size + header_size + data_size) > _LARGEST_ENTRY:
        raise ValueError(f"an entry of {size:,} bytes")
    data = begin + name_size + header_size
    if len(held) < data + data_size:
        return None
    name = held[begin : begin + name_size].decode()
    signed = time >> 1 if not time & 1 else -(time >> 1) - 1
    return Entry(name, signed, sequence, bytes(held[data : data + data_size])), data + data_size
