"""Damage as findings: what loses messages or positions, and how it can be packed."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.migrate.damage_findings import damage_findings
from stanlocal.store.verify.store import verify
from tests.support.stores import Slice, deny_listing, make_store, slice_of, subscription, update

SUBS = [(1, subscription(1, "dur")), (5, update(1, 1)), (5, update(1, 2))]


def _found(store: Path, split: frozenset[str] = frozenset()) -> list[tuple[str, bool]]:
    check = verify(store)
    findings = damage_findings(check.problems, check.problems_total - len(check.problems), split)
    assert all(each.kind.value == "damaged" and each.advice for each in findings)
    return [(each.detail.partition(":")[0], each.salvaged) for each in findings]


def _change(file: Path, place: bytes) -> None:
    content = bytearray(file.read_bytes())
    content[content.rindex(place)] ^= 1
    file.write_bytes(content)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return make_store(tmp_path / "store", [slice_of([b"one", b"two"]), slice_of([b"three"], 3)], subs=SUBS)


def test_a_sound_store_has_none(store: Path) -> None:
    assert _found(store) == []


def test_each_damaged_file_of_a_channel_is_one_finding(store: Path) -> None:
    _change(store / "orders" / "msgs.1.dat", b"one")
    _change(store / "orders" / "msgs.1.dat", b"two")
    _change(store / "orders" / "subs.dat", b"\x10\x02")
    assert _found(store) == [("orders/subs.dat", True), ("orders/msgs.1.dat", True)]


def test_missing_messages_are_said_and_the_rest_is_packed_as_it_is(store: Path) -> None:
    for kind in ("dat", "idx"):
        (store / "orders" / f"msgs.2.{kind}").unlink()
    slice_of([b"nine"], 9).write(store / "orders", 2)
    assert _found(store) == [("orders/msgs.2.dat", False)]


def test_what_is_not_taken_along_is_no_finding(store: Path) -> None:
    _change(store / "clients.dat", b"client")
    (store / "orders" / "msgs.1.idx").unlink()
    assert _found(store) == []


def test_sequences_that_come_twice_are_no_damage_of_a_channel_with_branches(tmp_path: Path) -> None:
    made = Slice()
    for sequence in (1, 2, 3, 2):
        made.add(sequence, b"x")
    store = make_store(tmp_path / "split", [made])
    assert _found(store, frozenset({"orders"})) == []


def test_a_channel_that_cannot_be_listed_is_refused_as_nothing_of_it_can_be_salvaged(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / "secret").mkdir()
    deny_listing(monkeypatch, store / "secret")
    [finding] = damage_findings(verify(store).problems, 0, ())
    assert (finding.where, finding.refused, finding.salvaged) == ("secret", True, False)
    assert "salvage" not in finding.advice
