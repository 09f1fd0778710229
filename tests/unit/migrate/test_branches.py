"""The branches of a channel that two servers wrote into: no message of any is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.errors import SettingsError, StoreRefused
from stanlocal.migrate import branches
from stanlocal.migrate.archive.reading import read_archive
from stanlocal.migrate.branches import Split, find_split, read_branch
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.naming import Names
from stanlocal.migrate.pack import pack
from stanlocal.migrate.pack_folder import DATA
from stanlocal.migrate.plan import make_plan
from stanlocal.store.format.records import Damage
from stanlocal.store.format.slices import slices_of
from tests.support.stores import (
    EPOCH,
    Slice,
    index_record,
    make_store,
    message,
    record,
    subscription,
    update,
)

Written = Sequence[tuple[int, bytes]]


def _slice(written: Written) -> Slice:
    """A slice as two servers leave it, with an index that is of little use."""
    made = Slice()
    for sequence, payload in written:
        made.add(sequence, payload)
    return made


def _store(folder: Path, *slices: Written, subs: Iterable[tuple[int, bytes]] = ()) -> Path:
    return make_store(folder / "store", [_slice(each) for each in slices], subs=subs)


def _split(store: Path) -> Split:
    found = find_split(store, "orders", slices_of(store, "orders"))
    assert found is not None
    return found


def _parts(store: Path, split: Split) -> list[list[tuple[int, bytes]]]:
    """The messages of each part."""
    return [
        [
            (sequence, data)
            for _, batch in read_branch(store, "orders", slices_of(store, "orders"), split, part)
            if not isinstance(batch, Damage)
            for sequence, _, data in batch
        ]
        for part in range(len(split.parts))
    ]


COMMON = [(1, b"p1"), (2, b"p2"), (3, b"p3")]
A = [(n, b"a%d" % n) for n in range(4, 11)]
B = [(n, b"b%d" % n) for n in range(4, 8)]


def test_the_branch_that_was_written_last_is_kept_with_what_came_before_the_fork(tmp_path: Path) -> None:
    store = _store(tmp_path, [*COMMON, *A[:3], *B[:2], *A[3:], *B[2:]])
    split = _split(store)
    assert split.fork == 3
    assert _parts(store, split) == [[*COMMON, *B], A]
    kept, conflict = split.parts
    assert (kept.first_sequence, kept.last_sequence, kept.messages) == (1, 7, 7)
    assert (conflict.first_sequence, conflict.last_sequence, conflict.messages) == (4, 10, 7)


def test_a_branch_goes_on_through_the_next_slice(tmp_path: Path) -> None:
    store = _store(tmp_path, [*COMMON, *A[:5], *B[:2]], [*A[5:6], *B[2:], *A[6:]])
    assert _parts(store, _split(store)) == [[*COMMON, *A], B]


def test_a_server_that_starts_again_goes_on_behind_the_last_record(tmp_path: Path) -> None:
    """It gives sequences that the other branch has, and it may be split once more."""
    later = [(n, b"later%d" % n) for n in (8, 9, 10, 11, 12)]
    other = [(10, b"other10")]
    store = _store(tmp_path, [*COMMON, *A, *B, *later[:4], *other, *later[4:]])
    assert _parts(store, _split(store)) == [[*COMMON, *B, *later], A, other]


def test_a_channel_of_one_server_has_no_branches(tmp_path: Path) -> None:
    store = _store(tmp_path, COMMON, A)
    assert find_split(store, "orders", slices_of(store, "orders")) is None
    assert take_inventory(store).channels[0].split is None


def test_a_branch_that_begins_while_the_store_is_read_is_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _store(tmp_path, [*COMMON, *A, *B])
    grown = _store(tmp_path / "grown", [*COMMON, *A, *B, (4, b"later")])
    lineage = branches._Branches.lineage

    def growing(of: branches._Branches) -> branches.Lineage:
        shutil.copytree(grown, store, dirs_exist_ok=True)
        return lineage(of)

    monkeypatch.setattr(branches._Branches, "lineage", growing)
    split = _split(store)
    assert [part.messages for part in split.parts] == [7, 7]
    assert _parts(store, split) == [[*COMMON, *B], A]


def _as_two_servers_see_it(written: Sequence[tuple[str, int, bytes]]) -> Slice:
    """A slice with the offsets in the index that each of the servers `a` and `b` believes in."""
    made = Slice()
    ends = {"a": len(made.data), "b": len(made.data)}
    for number, (server, sequence, payload) in enumerate(written):
        body = message(sequence, payload, time=EPOCH + number)
        made.index += index_record(sequence, ends[server], EPOCH + number, len(body))
        made.data += record(body)
        ends[server] += 8 + len(body)
        if sequence <= 3:  # before the second became active
            ends["b"] = ends["a"]
    return made


@pytest.mark.parametrize("order", ["abababab", "abbaabba", "aabbbbaa", "abbabaab"])
def test_the_index_tells_who_wrote_where_both_stand_at_one_sequence(tmp_path: Path, order: str) -> None:
    """Messages of two sizes; no message of one server is in the other's branch."""
    written = [("a", sequence, payload) for sequence, payload in COMMON]
    at = {"a": 3, "b": 3}
    for server in order:
        at[server] += 1
        written.append((server, at[server], {"a": b"first", "b": b"second"}[server]))
    store = make_store(tmp_path / "store", [_as_two_servers_see_it(written)])
    kept, conflict = _parts(store, _split(store))
    last = {"a": b"first", "b": b"second"}[order[-1]]
    assert {payload for _, payload in kept[3:]} == {last}
    assert len({payload for _, payload in conflict}) == 1


@given(order=st.lists(st.booleans(), max_size=30), last=st.booleans())
def test_every_message_is_in_exactly_one_part_and_the_parts_ascend(
    tmp_path_factory: pytest.TempPathFactory, order: list[bool], last: bool
) -> None:
    at = {True: 3, False: 3}
    written: list[tuple[int, bytes]] = [*COMMON]
    for which in (True, False, *order, last):
        at[which] += 1
        written.append((at[which], b"%d-%d" % (which, at[which])))
    store = _store(tmp_path_factory.mktemp("s"), written)
    parts = _parts(store, _split(store))
    assert sorted(message for part in parts for message in part) == sorted(written)
    for part in parts:
        sequences = [sequence for sequence, _ in part]
        assert sequences == list(range(sequences[0], sequences[-1] + 1))
    assert parts[0][-1] == written[-1]


def test_sequences_that_no_servers_can_have_written_are_refused(tmp_path: Path) -> None:
    store = _store(tmp_path, [(n, b"x") for n in range(40, 1, -1)])
    with pytest.raises(StoreRefused, match="more than 16 servers"):
        take_inventory(store)


SUBS = [
    (1, subscription(1, "dur")),
    *((5, update(1, n)) for n in range(1, 7)),
    *((4, update(1, n)) for n in (1, 2, 5)),
]


def test_a_pack_needs_salvage_and_then_has_both_branches(tmp_path: Path) -> None:
    store = _store(tmp_path, [*COMMON, *A, *B], subs=SUBS)
    plan = make_plan(take_inventory(store))
    with pytest.raises(StoreRefused, match=r"two servers wrote into it .* '--salvage'"):
        pack(plan, tmp_path / "pack")
    packed = pack(plan, tmp_path / "pack", salvage=True)
    assert packed.lost == []
    assert _packed(tmp_path / "pack", "orders") == [("orders", *each) for each in (*COMMON, *B)]
    assert _packed(tmp_path / "pack", "orders_conflict") == [("orders_conflict", *each) for each in A]
    branches = [(each["stream"], each["conflict"], each["branch"]["last_seq"]) for each in packed.streams]
    assert branches == [("orders", False, 7), ("orders_conflict", True, 10)]
    [consumer] = plan.streams[0].consumers
    assert (consumer.delivered, consumer.pending) == (3, (3,))  # both servers wrote 3 and what is before it
    assert plan.streams[1].consumers == ()
    assert {"split-brain", "position-set-back"} <= {each.kind.value for each in plan.findings}


def _packed(folder: Path, stream: str) -> list[tuple[str, int, bytes]]:
    entries = read_archive(folder / stream / DATA)
    return [(each.name, each.sequence, each.data) for each in entries if each.sequence]


def test_the_name_of_a_conflict_may_be_taken(tmp_path: Path) -> None:
    store = _store(tmp_path, [*COMMON, *A, *B])
    make_store_beside(store, "orders_conflict")
    with pytest.raises(SettingsError, match="would both be the stream 'orders_conflict'"):
        make_plan(take_inventory(store))
    with pytest.raises(SettingsError, match="would both be the subject 'orders_conflict'"):
        make_plan(take_inventory(store), Names({"orders_conflict": "other"}))
    made = make_plan(take_inventory(store), Names({"orders": "first"}))
    assert [each.name for each in made.streams] == ["first", "first_conflict", "orders_conflict"]


def make_store_beside(store: Path, channel: str) -> None:
    (store / channel).mkdir()
    made = Slice()
    made.add(1, b"x", channel)
    made.write(store / channel)
