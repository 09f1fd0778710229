"""Records of typed files (clients, subscriptions), read in runs of equal size where possible.

A busy channel's `subs.dat` has two records for each message and subscription, all of a few bytes: checking
each by itself would take longer than checking the messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from stanlocal.store.format.crc import HEAD_BYTES, run_intact
from stanlocal.store.format.files import VERSION_BYTES, StoreFile
from stanlocal.store.format.records import BATCH_BYTES, HEAD, Found, Record, read_records

_WORTH = 32
"""Smallest number of records that makes a run."""
_MOST = 16384
"""Number of records searched for a run at once, so that a vain search ends soon."""
_SINGLY = 1024
"""Number of records yielded one by one before the next search for a run."""


@dataclass(frozen=True, slots=True)
class Run:
    """Intact records of one size that follow each other."""

    offset: int
    size: int
    """Bytes of each payload."""
    records: bytes
    """All records, heads included."""

    def __len__(self) -> int:
        return len(self.records) // (HEAD_BYTES + self.size)

    @property
    def end(self) -> int:
        return self.offset + len(self.records)

    @property
    def types(self) -> bytes:
        """The type of each record."""
        return self.records[3 :: HEAD_BYTES + self.size]

    def column(self, place: int) -> bytes:
        """Return the byte at this place of each payload."""
        return self.records[HEAD_BYTES + place :: HEAD_BYTES + self.size]

    def payload(self, number: int) -> bytes:
        """Return the payload of one record."""
        begin = number * (HEAD_BYTES + self.size) + HEAD_BYTES
        return self.records[begin : begin + self.size]

    def single(self) -> Iterator[Record]:
        """Yield the records one by one."""
        step = HEAD_BYTES + self.size
        for number, kind in enumerate(self.types):
            yield Record(self.offset + number * step, kind, self.payload(number))


Part: TypeAlias = Run | Found


def read_typed(file: StoreFile) -> Iterator[Part]:
    """Yield all records of a typed file: in runs, or as `read_records` yields them."""
    base, data, at = VERSION_BYTES, b"", VERSION_BYTES
    while True:
        if base + len(data) - at < BATCH_BYTES // 2:
            base, data = at, file.read(at, BATCH_BYTES)
        run = _find_run(data, at - base, at)
        if run is not None:
            yield run
            at = run.end
            continue
        for number, found in enumerate(read_records(file, typed=True, start=at)):
            yield found
            if number >= _SINGLY and isinstance(found, Record):
                at = found.end
                break
        else:
            return


def _find_run(data: bytes, begin: int, offset: int) -> Run | None:
    """Return the run that begins at `begin` in `data`; None without a run, or with a damaged record."""
    if len(data) - begin < HEAD_BYTES:
        return None
    size = HEAD.unpack_from(data, begin)[0] & 0xFFFFFF
    step = HEAD_BYTES + size
    count = min((len(data) - begin) // step, _MOST)
    if count < _WORTH:
        return None
    written = size.to_bytes(3, "little")
    for place in range(3):
        column = data[begin + place : begin + count * step : step]
        count = min(count, len(column) - len(column.lstrip(written[place : place + 1])))
    if count < _WORTH:
        return None
    records = data[begin : begin + count * step]
    return Run(offset, size, records) if run_intact(bytearray(records), 0, len(records), size) else None
