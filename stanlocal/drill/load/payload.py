"""The format of a drill's messages: run, publisher, number, filling, and a checksum. Pure."""

from __future__ import annotations

import struct
from functools import lru_cache
from zlib import crc32

_HEAD = struct.Struct("<IHI")
"""Numbers of the drill, the publisher and the message."""
_SUM = struct.Struct("<I")
_RESIDUE = 0x2144DF1C
"""The CRC-32 of anything that is followed by its own CRC-32, lowest byte first."""

SMALLEST = _HEAD.size + _SUM.size
"""Bytes of the smallest message."""


@lru_cache
def _filling(size: int) -> bytes:
    return b"." * size


def make(run: int, publisher: int, number: int, size: int) -> bytes:
    """Return the message with that number, of `size` bytes, which is at least `SMALLEST`."""
    body = _HEAD.pack(run, publisher, number) + _filling(size - SMALLEST)
    return body + _SUM.pack(crc32(body))


def read(run: int, data: bytes) -> tuple[int, int] | None:
    """Return publisher and number of a message of that drill; None for any other, or a damaged one."""
    if len(data) < SMALLEST or crc32(data) != _RESIDUE:
        return None
    found, publisher, number = _HEAD.unpack_from(data)
    return (publisher, number) if found == run else None
