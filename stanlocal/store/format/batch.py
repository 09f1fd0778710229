"""Messages in a buffer, compared with their index, many at a time. Pure."""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from bisect import bisect_left
from itertools import accumulate
from operator import itemgetter

from stanlocal.store.format.crc import HEAD_BYTES, run_intact
from stanlocal.store.format.index import Block, Entry
from stanlocal.store.format.message import decode, sequence_columns
from stanlocal.store.format.progressions import progression
from stanlocal.store.format.varints import varint_of


def ends_of(begin: int, sizes: array[int]) -> array[int]:
    """Return the offset of the first record, then each one's end, for consecutive records."""
    if same(sizes, 0, len(sizes)):
        return progression(begin, HEAD_BYTES + sizes[0], len(sizes) + 1)
    return array("Q", accumulate(map(HEAD_BYTES.__add__, sizes), initial=begin))


def same(sizes: array[int], low: int, high: int) -> bool:
    """Return whether all sizes in that part are the same."""
    return sizes[low:high] == sizes[low : low + 1] * (high - low)


def longer_from(sequences: array[int], low: int, high: int) -> int:
    """Return the first place in that part whose sequence takes more bytes in a message than the one at `low`.

    `high` if there is none; `sequences` grow.
    """
    width = max(1, (sequences[low].bit_length() + 6) // 7)
    return bisect_left(sequences, 1 << 7 * width, low, high)


def batch_intact(block: Block, buffer: bytearray, base: int) -> bool:
    """Return whether all messages of the block are intact and match their index entries.

    Every sequence is compared, times only of the first and the last message.
    """
    columns = sequence_columns(block.sequences[0], len(block))
    if columns is None or not all(_time_matches(buffer, block.entry(at), base) for at in (0, -1)):
        return False
    compare = _one_size_intact if same(block.sizes, 0, len(block)) else _sizes_intact
    return compare(buffer, block.offsets[0] - base, block.sizes, columns)


def _one_size_intact(buffer: bytearray, begin: int, sizes: array[int], columns: list[bytes]) -> bool:
    size, count = sizes[0], len(sizes)
    step = HEAD_BYTES + size
    end = begin + count * step
    if size < len(columns):
        return False
    heads = [byte * count for byte in map(bytes, zip(size.to_bytes(4, "little"), strict=True))]
    return (
        all(buffer[begin + at : end : step] == head for at, head in enumerate(heads))
        and all(buffer[begin + HEAD_BYTES + at : end : step] == column for at, column in enumerate(columns))
        and run_intact(buffer, begin, end, size)
    )


def _sizes_intact(buffer: bytearray, begin: int, sizes: array[int], columns: list[bytes]) -> bool:
    layout = struct.Struct("<" + "".join(map(_FORMATS.__getitem__, sizes)))
    parts = layout.unpack_from(buffer, begin)
    payloads = parts[1::2]
    width, count = len(columns), len(sizes)
    leading = bytearray(width * count)
    for at, column in enumerate(columns):
        leading[at::width] = column
    heads = array("I", bytes(HEAD_BYTES * count))
    heads[0::2], heads[1::2] = sizes, array("I", map(zlib.crc32, payloads))
    if sys.byteorder == "big":
        heads.byteswap()
    return (
        b"".join(parts[0::2]) == heads.tobytes()
        and b"".join(map(itemgetter(slice(width)), payloads)) == leading
    )


_TIME = b"\x28"
"""The tag of a message's time."""


class _Formats(dict[int, str]):
    """The `struct` format of a record by the bytes of its payload: its head as it is, then the payload."""

    def __missing__(self, size: int) -> str:
        if len(self) >= _MOST_FORMATS:
            self.clear()
        made = self[size] = f"{HEAD_BYTES}s{size}s"
        return made


_MOST_FORMATS = 4096
_FORMATS = _Formats()


def _time_matches(buffer: bytearray, entry: Entry, base: int) -> bool:
    begin = entry.offset - base + HEAD_BYTES
    end = begin + entry.size
    if buffer.endswith(_TIME + varint_of(entry.timestamp), begin, end):
        return True  # the server writes the time last; decoding takes twenty times as long
    try:
        return decode(bytes(buffer[begin:end])).timestamp == entry.timestamp
    except ValueError:
        return False
