"""Messages read without an index: in the order in which they were written, past torn records."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.store.format.raw_messages import read_raw
from stanlocal.store.format.records import Damage, Flaw
from stanlocal.store.format.slices import slices_of
from tests.support.stores import VERSION, make_store, message, record, slice_of


def _read(store: Path) -> list[int | Flaw]:
    [files] = slices_of(store, "orders")
    return [each.flaw if isinstance(each, Damage) else each[0] for each in read_raw(store, files)]


def _written(folder: Path, *parts: bytes) -> Path:
    store = make_store(folder / "store", [slice_of([])])
    (store / "orders" / "msgs.1.dat").write_bytes(VERSION + b"".join(parts))
    return store


def _record(sequence: int, payload: bytes = b"data") -> bytes:
    return record(message(sequence, payload))


def test_messages_come_as_they_were_written_whatever_the_index_says(tmp_path: Path) -> None:
    store = _written(tmp_path, *map(_record, (1, 2, 3, 2, 4, 3)))
    (store / "orders" / "msgs.1.idx").write_bytes(b"no index")
    assert _read(store) == [1, 2, 3, 2, 4, 3]


def test_reading_goes_on_behind_a_record_that_another_one_tore(tmp_path: Path) -> None:
    torn = _record(3, b"x" * 5_000)
    store = _written(
        tmp_path, _record(1), _record(2), torn[:2_000], _record(3), _record(4), torn[2_000:], _record(5)
    )
    assert _read(store) == [1, 2, Flaw.CRC, 3, 4, Flaw.CUT_SHORT, 5]


def test_what_looks_like_a_message_within_a_damaged_one_is_none(tmp_path: Path) -> None:
    damaged = bytearray(_record(2, b"<" + _record(9) + b">"))
    damaged[-1] ^= 1
    assert _read(_written(tmp_path, _record(1), bytes(damaged), _record(3))) == [1, Flaw.CRC, 3]


@pytest.mark.parametrize(
    ("end", "found"),
    [
        (b"", []),
        (b"\0" * 100, [Flaw.ZEROS]),
        (_record(4)[:-1], [Flaw.CUT_SHORT]),
        (b"\xff" * 5, [Flaw.CUT_SHORT]),
    ],
)
def test_whatever_the_file_ends_in_the_whole_messages_are_read(
    tmp_path: Path, end: bytes, found: list[Flaw]
) -> None:
    assert _read(_written(tmp_path, _record(1), _record(1 << 40), end)) == [1, 1 << 40, *found]


def test_another_format_is_damage(tmp_path: Path) -> None:
    store = _written(tmp_path)
    (store / "orders" / "msgs.1.dat").write_bytes(b"\x02\0\0\0")
    assert _read(store) == [Flaw.VERSION]


def test_an_index_without_its_messages_is_damage(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", [slice_of([b"a"])])
    (store / "orders" / "msgs.1.dat").unlink()
    assert _read(store) == [Flaw.CUT_SHORT]
