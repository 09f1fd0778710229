"""Variable-length integers, encoded many at a time. Pure.

Seven bits a byte, low ones first, the top bit set in all but the last byte: the encoding of protobuf, and of
Go's `binary.PutUvarint`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache


def varint_of(value: int) -> bytes:
    """Encode one integer from 0 to 2⁶⁴-1."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varints(values: Iterable[int]) -> list[bytes]:
    """Encode each integer; quick for values that are near each other, as sequences and times are.

    The bytes for the low 14 bits come from a table. Those above change rarely in sequences and are kept; in
    times the next 14 bits come from the table too, and what is above is kept.
    """
    whole, low = _tables()
    made: list[bytes] = []
    kept_high, high_bytes, kept_top, top_bytes = -1, b"", -1, b""
    for value in values:
        high = value >> 14
        if not high:
            made.append(whole[value])
            continue
        if high != kept_high:
            kept_high, top = high, high >> 14
            if not top:
                high_bytes = whole[high]
            else:
                if top != kept_top:
                    kept_top, top_bytes = top, varint_of(top)
                high_bytes = low[high & 0x3FFF] + top_bytes
        made.append(low[value & 0x3FFF] + high_bytes)
    return made


@cache
def _tables() -> tuple[list[bytes], list[bytes]]:
    """Return the encoding of each 14-bit number, and its two bytes where more bits follow."""
    numbers = range(1 << 14)
    return list(map(varint_of, numbers)), [bytes((n & 0x7F | 0x80, n >> 7 | 0x80)) for n in numbers]
