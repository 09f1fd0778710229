"""Messages read many at a time are those that are read one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.store.format.bulk_messages import BulkMessage, read_bulk
from stanlocal.store.format.message import StoredMessage
from stanlocal.store.format.records import Damage, Flaw
from stanlocal.store.format.slices import Window, read_messages, slices_of
from tests.support.stores import Slice, index_record, make_store, message, record, slice_of

CHANNELS = st.sampled_from(["orders", "a.b", "x" * 130])


def _read(store: Path, channel: str = "orders", first: int = 0) -> list[BulkMessage | Damage]:
    found: list[BulkMessage | Damage] = []
    for slice_ in slices_of(store, channel):
        for piece in read_bulk(store, slice_, first):
            found += [piece] if isinstance(piece, Damage) else piece
    return found


def _one_by_one(store: Path, channel: str = "orders", first: int = 0) -> list[BulkMessage | Damage]:
    found: list[BulkMessage | Damage] = []
    for slice_ in slices_of(store, channel):
        for each in read_messages(store, slice_, Window(first_sequence=first)):
            is_message = isinstance(each, StoredMessage)
            found.append((each.sequence, each.timestamp, each.data) if is_message else each)  # type: ignore[union-attr,arg-type]
    return found


@given(
    payloads=st.lists(st.binary(max_size=300), min_size=1, max_size=40),
    channel=CHANNELS,
    start=st.sampled_from([1, 100, 16_380, 1 << 28, 1 << 40]),
    first=st.integers(0, 45),
    indexed=st.booleans(),
)
def test_every_message_is_read_as_by_itself(
    tmp_path_factory: pytest.TempPathFactory,
    payloads: list[bytes],
    channel: str,
    start: int,
    first: int,
    indexed: bool,
) -> None:
    store = tmp_path_factory.mktemp("bulk") / "store"
    make_store(store, [slice_of(payloads, start, channel)], channel=channel)
    if not indexed:
        (store / channel / "msgs.1.idx").unlink()
    assert _read(store, channel, start + first) == _one_by_one(store, channel, start + first)


@pytest.mark.parametrize(
    "size", [0, 1, 127, 128, 129, 130, 16_382, 16_383, 16_384, 16_390, 2_500_000, 9_000_000]
)
def test_data_of_any_size_is_read(tmp_path: Path, size: int) -> None:
    store = make_store(tmp_path / "store", [slice_of([b"a", b"x" * size, b"z"])])
    assert [len(data) for _, _, data in _read(store)] == [1, size, 1]  # type: ignore[misc]


def test_a_record_with_other_fields_is_decoded(tmp_path: Path) -> None:
    """A message that was published with a reply subject has one field more."""
    plain = slice_of([b"one"])
    body = message(2, b"two")
    with_reply = body[:10] + b"\x1a\x05reply" + body[10:]
    plain.index += index_record(2, len(plain.data), 1_700_000_000_002_000_000, len(with_reply))
    plain.data += record(with_reply)
    store = make_store(tmp_path / "store", [plain])
    assert _read(store) == [(1, 1_700_000_000_001_000_000, b"one"), (2, 1_700_000_000_002_000_000, b"two")]


def test_a_time_before_1970_is_negative(tmp_path: Path) -> None:
    early = Slice()
    body = message(1, b"old", time=(1 << 64) - 5)
    early.index += index_record(1, len(early.data), -5, len(body))
    early.data += record(body)
    assert _read(make_store(tmp_path / "store", [early])) == [(1, -5, b"old")]


def test_damage_stands_in_its_place_and_the_rest_is_read(tmp_path: Path) -> None:
    damaged = slice_of([b"payload"] * 10)
    damaged.data[damaged.offsets[4] + 12] ^= 0xFF
    found = _read(make_store(tmp_path / "store", [damaged]))
    assert [each.flaw if isinstance(each, Damage) else each[0] for each in found] == [
        *(1, 2, 3, 4),
        Flaw.CRC,
        *(6, 7, 8, 9, 10),
    ]


def test_a_message_that_is_another_than_the_index_says_is_damage(tmp_path: Path) -> None:
    swapped = Slice()
    for listed, written in ((1, 1), (2, 3)):
        body = message(written, b"payload")
        swapped.index += index_record(
            listed, len(swapped.data), 1_700_000_000_000_000_000 + listed * 1_000_000, len(body)
        )
        swapped.data += record(body)
    found = _read(make_store(tmp_path / "store", [swapped]))
    assert [each.flaw if isinstance(each, Damage) else each[0] for each in found] == [1, Flaw.MISFIT]


def test_messages_that_the_file_has_lost_are_damage(tmp_path: Path) -> None:
    short = slice_of([b"payload"] * 5)
    del short.data[short.offsets[3] :]
    found = _read(make_store(tmp_path / "store", [short]))
    assert [each.flaw if isinstance(each, Damage) else each[0] for each in found] == [
        *(1, 2, 3),
        Flaw.CUT_SHORT,
        Flaw.CUT_SHORT,
    ]
