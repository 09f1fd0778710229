"""Records of a file that has no index, checked in runs of one size."""

from __future__ import annotations

from dataclasses import dataclass

from stanlocal.store.crc import HEAD_BYTES, run_intact
from stanlocal.store.records import HEAD

_WORTH = 32
"""Records below which a run is not worth looking for."""
_MOST = 16384
"""Records in which a run is looked for at once: what is in vain is then soon over."""


@dataclass(frozen=True, slots=True)
class Run:
    """Records of one size that follow each other, all of them intact."""

    count: int
    size: int
    """Of each payload."""
    types: bytes
    """Of each record."""

    @property
    def bytes(self) -> int:
        return self.count * (HEAD_BYTES + self.size)


def find_run(buffer: bytearray, begin: int, end: int) -> Run | None:
    """The run of typed records that begins at `begin`, as far as the buffer is filled; None where none is.

    None also where a record of it is damaged: the caller then looks at each. The run is not to be read
    from the buffer any more.
    """
    if end - begin < HEAD_BYTES:
        return None
    size = HEAD.unpack_from(buffer, begin)[0] & 0xFFFFFF
    step = HEAD_BYTES + size
    count = min((end - begin) // step, _MOST)
    if count < _WORTH:
        return None
    written = size.to_bytes(3, "little")
    for place in range(3):
        column = buffer[begin + place : begin + count * step : step]
        count = min(count, len(column) - len(column.lstrip(written[place : place + 1])))
    if count < _WORTH:
        return None
    end = begin + count * step
    types = bytes(buffer[begin + 3 : end : step])
    return Run(count, size, types) if run_intact(buffer, begin, end, size) else None
