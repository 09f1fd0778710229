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
from tests.support.stores import Slice, index_offset, index_record, make_store, message, record, slice_of

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


@pytest.mark.parametrize(
    ("messages", "left_out"),
    [*((5, at) for at in range(4)), (5000, 4095), (5000, 4096)],  # an index is read 4096 entries at a time
)
def test_a_message_that_the_index_leaves_out_is_read_behind_the_damage(
    tmp_path: Path, messages: int, left_out: int
) -> None:
    made = slice_of([b"payload"] * messages)
    del made.index[index_offset(left_out) : index_offset(left_out + 1)]
    store = make_store(tmp_path / "store", [made])
    expected: list[object] = [*range(1, messages + 1)]
    expected.insert(left_out, Flaw.MISFIT)
    assert _sequences_and_flaws(store) == expected
    assert _sequences_and_flaws(store, first=left_out + 1) == expected[left_out:]


def test_several_messages_that_the_index_leaves_out_are_read(tmp_path: Path) -> None:
    made = slice_of([b"payload"] * 6)
    del made.index[index_offset(1) : index_offset(4)]
    store = make_store(tmp_path / "store", [made])
    assert _sequences_and_flaws(store) == [1, Flaw.MISFIT, 2, 3, 4, 5, 6]
    assert _sequences_and_flaws(store, first=6) == [6]


def test_a_message_that_the_index_names_elsewhere_is_read_once(tmp_path: Path) -> None:
    made = slice_of([b"payload"] * 5)
    body = message(3, b"payload")
    third = slice(index_offset(2), index_offset(3))
    made.index[third] = index_record(3, made.offsets[0], 1_700_000_000_003_000_000, len(body))
    store = make_store(tmp_path / "store", [made])
    assert _sequences_and_flaws(store) == [1, 2, Flaw.MISFIT, Flaw.MISFIT, 3, 4, 5]


def test_a_message_that_stands_before_the_one_of_its_sequence_is_damage(tmp_path: Path) -> None:
    made = slice_of([b"a", b"stray", b"b"])
    del made.index[index_offset(1) :]
    made.data[made.offsets[2] :] = b""
    made.add(2, b"b")
    store = make_store(tmp_path / "store", [made])
    assert _sequences_and_flaws(store) == [1, Flaw.MISFIT, Flaw.MISFIT, 2]


@pytest.mark.parametrize("far", [1 << 40, (1 << 63) - 1])
def test_an_entry_far_behind_the_file_hides_nothing(tmp_path: Path, far: int) -> None:
    made = slice_of([b"payload"] * 3)
    made.index[index_offset(1) : index_offset(2)] = index_record(2, far, 0, 10)
    found = _sequences_and_flaws(make_store(tmp_path / "store", [made]))
    assert found == [1, Flaw.MISFIT, 2, 3, Flaw.CUT_SHORT]


def test_an_index_without_its_messages_is_damage(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", [slice_of([b"a", b"b"]), slice_of([b"c"], first=3)])
    (store / "orders" / "msgs.1.dat").unlink()
    assert _sequences_and_flaws(store, first=3) == [Flaw.CUT_SHORT, 3]


def _sequences_and_flaws(store: Path, first: int = 0) -> list[object]:
    return [each.flaw if isinstance(each, Damage) else each[0] for each in _read(store, first=first)]
