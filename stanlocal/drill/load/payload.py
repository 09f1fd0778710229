"""The format of a drill's messages: run, publisher, number, filling, and a checksum. Pure."""

from __future__ import annotations

import secrets
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


def draw_run() -> int:
    """Return a random number for a drill.

    Each message begins with its lowest byte, which is above those of the server's ciphers: readers of stores
    would otherwise take the messages of one drill in a hundred for encrypted ones.
    """
    return secrets.randbits(32) | 0x80


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
