"""Every kind of damage is found, named and located; none of it crashes or hangs the reader."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stanlocal.errors import StoreRefused
from stanlocal.store.verify.problems import Kind, Start
from stanlocal.store.verify.store import StoreCheck, verify
from tests.support import stores
from tests.support.damage import (
    DAT,
    IDX,
    LAST,
    MANY,
    MIDDLE,
    PLANTED,
    SUBS,
    Plant,
    append,
    cut,
    flip,
    sound,
)
from tests.support.effort import inputs
from tests.support.stores import Slice, index_offset, make_store, slice_of


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the second look: nothing is being written."""
    monkeypatch.setattr("stanlocal.store.verify.store._FRESH_S", -1.0)


@pytest.mark.parametrize(
    ("plant", "kind", "file", "offset", "start"),
    [row[1:] for row in PLANTED],
    ids=[row[0] for row in PLANTED],
)
def test_each_kind_of_damage_is_named_and_located(
    tmp_path: Path, plant: Plant, kind: Kind, file: str, offset: int | None, start: Start
) -> None:
    store = sound(tmp_path / "store")
    plant(store)
    verdict = verify(store)
    found = [problem for problem in verdict.problems if problem.kind is kind and problem.file == file]
    assert found, verdict.problems
    if offset is not None:
        assert [problem.offset for problem in found] == [offset]
    assert {problem.start for problem in found} == {start}
    assert all(problem.fix for problem in verdict.problems)
    assert verdict.starts is all(problem.start is not Start.REFUSED for problem in verdict.problems)


def test_a_sound_store_has_no_problems_and_everything_in_it_is_counted(tmp_path: Path) -> None:
    store = sound(tmp_path / "store")
    told: list[tuple[int, int]] = []
    verdict = verify(
        store, cluster_id="test-cluster", progress=lambda done, total: told.append((done, total))
    )
    assert (verdict.problems, verdict.messages, verdict.records) == ([], 1300, 1 + 1 + 200)
    assert verdict.bytes == sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    assert told == sorted(told)
    assert told[-1] == (verdict.bytes, verdict.bytes)


def test_one_damaged_message_costs_only_itself(tmp_path: Path) -> None:
    store = sound(tmp_path / "store")
    for at in (3, 500, 777):
        flip(DAT, slice_of(MANY).offsets[at] + 20)(store)
    verdict = verify(store)
    assert [problem.kind for problem in verdict.problems] == [Kind.MESSAGE_DAMAGED] * 3
    assert "sequence 778" in verdict.problems[2].detail
    assert verdict.messages == 1297


def test_damaged_messages_keep_the_server_from_starting_once_the_index_is_no_use(tmp_path: Path) -> None:
    store = sound(tmp_path / "store")
    flip(DAT, MIDDLE + 40)(store)
    flip(IDX, index_offset(0))(store)
    damaged = next(problem for problem in verify(store).problems if problem.kind is Kind.MESSAGE_DAMAGED)
    assert damaged.start is Start.REFUSED
    assert f"truncate -s {MIDDLE}" in damaged.fix


def test_a_store_of_another_cluster_is_named(tmp_path: Path) -> None:
    (problem,) = verify(sound(tmp_path / "store"), cluster_id="other").problems
    assert (problem.kind, problem.start) == (Kind.CLUSTER_ID, Start.REFUSED)
    assert "set cluster_id to 'test-cluster'" in problem.fix


def test_a_message_larger_than_what_is_held_in_memory_is_checked(tmp_path: Path) -> None:
    large = slice_of([b"a", os.urandom(3 << 20), b"b"])
    store = make_store(tmp_path / "store", [large])
    assert (verify(store).messages, verify(store).ok) == (3, True)
    flip(DAT, large.offsets[1] + (2 << 20))(store)
    (problem,) = verify(store).problems
    assert (problem.kind, problem.offset) == (Kind.MESSAGE_DAMAGED, large.offsets[1])


@given(st.lists(st.integers(0, 300), min_size=1, max_size=700), st.integers(1, 1 << 42))
@settings(max_examples=inputs(25), deadline=None)
def test_messages_of_any_sizes_and_sequences_are_intact_as_written(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], first: int
) -> None:
    store = make_store(
        tmp_path_factory.mktemp("any") / "store", [slice_of((b"z" * size for size in sizes), first)]
    )
    verdict = verify(store)
    assert (verdict.problems, verdict.messages) == ([], len(sizes))


FILES = ["server.dat", "clients.dat", "orders/subs.dat", DAT, IDX, "orders/msgs.2.dat", "orders/msgs.2.idx"]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound(tmp_path_factory.mktemp("pristine") / "store")


SENT_BECOMES_ACKNOWLEDGED = 5 ^ 4
UNSEEN = {frozenset({1, 2}), frozenset({4, 5})}
"""Types of records in `subs.dat` that have the same fields: new and changed, acknowledged and sent."""


def _cannot_be_seen(name: str, original: bytes, at: int, change: int) -> bool:
    """Return whether the change turns a record into one of a type with the same fields."""
    if name != SUBS:
        return False
    record = 4
    while record + 3 < at:
        record += 8 + (struct.unpack_from("<I", original, record)[0] & 0xFFFFFF)
    return record + 3 == at and frozenset({original[at], original[at] ^ change}) in UNSEEN


@given(st.sampled_from(FILES), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
@example(SUBS, 0.8563, SENT_BECOMES_ACKNOWLEDGED)
@example(SUBS, 0.8563, 5 ^ 3)
@example(SUBS, 7.5 / 2512, 1 ^ 2)
@example("clients.dat", 0.2, 1 ^ 2)
@settings(
    max_examples=inputs(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_changed_byte_is_found_and_located_in_its_file(
    pristine: Path, name: str, where: float, change: int
) -> None:
    """Except a record's type, which no checksum covers, when another type has the same fields."""
    original = (pristine / name).read_bytes()
    at = int(where * len(original))
    try:
        damaged = bytearray(original)
        damaged[at] ^= change
        (pristine / name).write_bytes(damaged)
        verdict = verify(pristine)
    finally:
        (pristine / name).write_bytes(original)
    if _cannot_be_seen(name, original, at, change):
        assert verdict.ok
        return
    located = [
        p
        for p in verdict.problems
        if p.file.removesuffix(".idx") == name.removesuffix(".idx") or p.file == name
    ]
    assert located, verdict.problems
    assert any(problem.offset is None or problem.offset <= at for problem in located)


@given(st.sampled_from(FILES), st.floats(0, 1, exclude_max=True))
@settings(
    max_examples=inputs(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_file_cut_anywhere_is_read_to_its_end(pristine: Path, name: str, where: float) -> None:
    original = (pristine / name).read_bytes()
    size = int(where * len(original))
    try:
        (pristine / name).write_bytes(original[:size])
        verdict = verify(pristine)
    finally:
        (pristine / name).write_bytes(original)
    whole_records = _ends_between_records(name, original, size)
    assert not verdict.ok or whole_records


def _ends_between_records(name: str, original: bytes, size: int) -> bool:
    """A cut may be invisible: a journal of clients or subscriptions with fewer records."""
    if name not in ("clients.dat", "orders/subs.dat"):
        return False
    at = 4
    while at < size:
        at += 8 + (struct.unpack_from("<I", original, at)[0] & 0xFFFFFF)
    return at == size


@given(st.binary(max_size=4000), st.sampled_from(FILES))
@settings(
    max_examples=inputs(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_content_of_a_file_crashes_the_reader(pristine: Path, content: bytes, name: str) -> None:
    original = (pristine / name).read_bytes()
    try:
        (pristine / name).write_bytes(stores.VERSION + content)
        verify(pristine)
    finally:
        (pristine / name).write_bytes(original)


def test_links_fifos_and_folders_in_place_of_files_are_reported_not_followed(tmp_path: Path) -> None:
    store = sound(tmp_path / "store")
    (store / IDX).unlink()
    os.mkfifo(store / IDX)
    (store / "clients.dat").unlink()
    (store / "clients.dat").symlink_to("/dev/zero")
    verdict = verify(store)
    assert {problem.kind for problem in verdict.problems if problem.file in (DAT, "clients.dat")} == {
        Kind.UNREADABLE
    }


@pytest.mark.parametrize(
    "make", [lambda path: None, Path.touch, lambda path: (path.mkdir(), (path / "x").touch())]
)
def test_a_folder_that_is_no_store_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    make(tmp_path / "store")
    with pytest.raises(StoreRefused) as caught:
        verify(tmp_path / "store")
    assert "\n" not in str(caught.value)


def test_damage_that_is_gone_at_the_second_look_was_a_write_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sound(tmp_path / "store")
    whole = (store / DAT).read_bytes()
    cut(DAT, LAST + 20)(store)
    monkeypatch.setattr("stanlocal.store.verify.store._FRESH_S", 60.0)
    monkeypatch.setattr(
        "stanlocal.store.verify.store.time.sleep", lambda seconds: (store / DAT).write_bytes(whole)
    )
    assert verify(store).ok
    flip(DAT, MIDDLE + 30)(store)
    monkeypatch.setattr("stanlocal.store.verify.store.time.sleep", lambda seconds: append(DAT, b"abc")(store))
    assert [problem.kind for problem in verify(store).problems] == [Kind.MESSAGE_DAMAGED]


def test_thousands_of_problems_are_counted_and_the_first_are_reported(tmp_path: Path) -> None:
    made = Slice()
    for sequence in range(1, 1501):
        made.add(sequence, b"m")
    for offset in made.offsets:
        made.data[offset + 9] ^= 1
    verdict: StoreCheck = verify(make_store(tmp_path / "store", [made]))
    assert (verdict.problems_total, len(verdict.problems)) == (1500, 1000)


def test_random_damage_in_several_places_never_crashes(tmp_path: Path) -> None:
    store = sound(tmp_path / "store")
    pick = random.Random(7)
    originals = {name: (store / name).read_bytes() for name in FILES}
    for _ in range(inputs(100)):
        for name, content in originals.items():
            damaged = bytearray(content)
            for _ in range(pick.randrange(4)):
                begin = pick.randrange(len(damaged))
                damaged[begin : begin + pick.randrange(200)] = pick.randbytes(pick.randrange(200))
            (store / name).write_bytes(damaged)
        verify(store)
