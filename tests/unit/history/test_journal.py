"""The journal on disk is whole and in order, whichever process writes and whichever is killed meanwhile."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stanlocal.errors import StateError
from stanlocal.history.journal import Journal, faults
from stanlocal.history.records import (
    FaultHealed,
    FaultNoted,
    FaultObserved,
    FaultStarted,
    FaultTookEffect,
    LockFileLost,
    OutageSeen,
    ProcessEnded,
    Record,
    TakenDown,
)
from stanlocal.model.fault_record import HEALING, fault_that_ended
from stanlocal.util.timestamps import rfc3339
from tests.support.effort import inputs
from tests.support.facts import at

KILL = FaultStarted(
    at(1),
    "f1",
    "kill",
    ("stan-0", "stan-1"),
    runs={"stan-0": at(0), "stan-1": at(0.5)},
    expected="no node serves afterwards",
    ends_run=True,
    leaves="ended",
)
EFFECT = FaultTookEffect(at(2), "f1", {"stan-0": at(1.5)})

WORDS = st.text(max_size=8)
IDS = st.text("0123456789abcdef", min_size=8, max_size=8)
TIMES = st.datetimes(timezones=st.just(UTC))
NAMED_TIMES = st.dictionaries(WORDS, TIMES)
NOTES = st.dictionaries(WORDS.filter(lambda word: word != HEALING), st.integers())
TARGETS = st.lists(WORDS).map(tuple)
RECORDS = st.one_of(
    st.builds(
        FaultStarted,
        time=TIMES,
        fault=IDS,
        name=WORDS,
        targets=TARGETS,
        runs=NAMED_TIMES,
        until=st.none() | TIMES,
        expected=st.none() | WORDS.filter(bool),
        predicted=st.dictionaries(WORDS, WORDS),
        ends_run=st.booleans(),
        leaves=st.none() | st.sampled_from(["ended", "frozen"]),
        notes=NOTES,
    ),
    st.builds(FaultNoted, TIMES, IDS, NOTES),
    st.builds(FaultTookEffect, TIMES, IDS, NAMED_TIMES, st.none() | TIMES),
    st.builds(FaultObserved, TIMES, IDS, st.none() | WORDS.filter(bool), st.none() | st.booleans()),
    st.builds(FaultHealed, TIMES, IDS, TARGETS),
    st.builds(ProcessEnded, TIMES, WORDS, TIMES, st.none() | st.integers(0, 255)),
    st.builds(TakenDown, TIMES, NAMED_TIMES),
    st.builds(LockFileLost, TIMES, st.sampled_from(["removed", "replaced"])),
    st.builds(OutageSeen, TIMES, TIMES, st.none() | TIMES, TIMES),
)


@pytest.fixture(autouse=True, scope="module")
def _without_waiting_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "stan")


@settings(max_examples=inputs(40))
@given(st.lists(RECORDS, max_size=5))
def test_records_are_read_back_as_they_were_appended(scratch: Path, records: list[Record]) -> None:
    journal = Journal(scratch)
    journal.path.unlink(missing_ok=True)
    for record in records:
        journal.append(record)
    assert journal.records() == records


def test_a_journal_that_was_never_written_is_empty(journal: Journal) -> None:
    assert (journal.records(), journal.faults(), journal.size()) == ([], [], 0)
    assert not journal.path.parent.exists()


def test_a_journal_is_readable_by_its_owner_only(journal: Journal) -> None:
    journal.append(KILL)
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert journal.path.parent.stat().st_mode & 0o777 == 0o700


def test_the_size_of_a_journal_grows_with_each_record(journal: Journal) -> None:
    journal.append(KILL)
    before = journal.size()
    journal.append(EFFECT)
    assert journal.size() > before


@given(st.lists(st.tuples(st.booleans(), RECORDS), max_size=8))
def test_a_reader_that_reads_again_and_again_reads_every_record_once(
    scratch: Path, written: list[tuple[bool, Record]]
) -> None:
    journal = Journal(scratch)
    journal.path.unlink(missing_ok=True)
    reader = Journal(scratch)
    for look, record in written:
        journal.append(record)
        if look:
            reader.records()
    assert reader.records() == [record for _, record in written]


def test_records_that_were_read_once_are_not_parsed_again(journal: Journal) -> None:
    journal.append(KILL)
    (first,) = journal.records()
    journal.append(EFFECT)
    again, _ = journal.records()
    assert again is first


@pytest.mark.parametrize("records", [[], [EFFECT], [KILL, EFFECT, EFFECT], [EFFECT, KILL, KILL]])
def test_a_journal_that_was_purged_and_begun_again_is_read_from_its_start(
    journal: Journal, records: list[Record]
) -> None:
    journal.append(KILL)
    journal.append(KILL)
    assert journal.records() == [KILL, KILL]
    journal.path.unlink()
    for record in records:
        journal.append(record)
    assert journal.records() == records


def test_a_line_that_is_being_written_is_read_when_it_is_whole(journal: Journal) -> None:
    journal.append(KILL)
    journal.append(EFFECT)
    whole = journal.path.read_bytes()
    for length in range(0, len(whole), 10):
        journal.path.write_bytes(whole[:length])
        journal.records()
    journal.path.write_bytes(whole)
    assert journal.records() == [KILL, EFFECT]


@pytest.mark.parametrize("stamp", [5, "noon", "2026-11-23T09:00:00"])
def test_a_note_of_healing_without_a_time_is_skipped(journal: Journal, stamp: object) -> None:
    journal.append(KILL)
    journal.append(FaultNoted(at(3), "f1", {HEALING: stamp}))
    assert journal.records() == [KILL]


@pytest.mark.parametrize("length", range(1, 60, 7))
def test_a_line_that_was_cut_short_costs_only_itself(journal: Journal, length: int) -> None:
    journal.append(KILL)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + whole[:length])
    journal.append(EFFECT)
    assert journal.records() == [KILL, EFFECT]


STRANGE = [
    b"",
    b"null",
    b"[]",
    b"7",
    b"{}",
    b'{"time":"noon"}',
    b'{"time":7,"type":"fault"}',
    b'{"time":"2026-11-23T09:00:00","type":"fault","fault":"naive"}',
    b'{"time":"2026-11-23T09:00:00Z","type":"fault","fault":"f","colour":"red"}',
    b'{"time":"2026-11-23T09:00:00Z","type":"fault","fault":"f","targets":7}',
    b'{"time":"2026-11-23T09:00:00Z","type":"fault","fault":"f","targets":[7]}',
    b'{"time":"2026-11-23T09:00:00Z","type":"fault","fault":["f"]}',
    b'{"time":"2026-11-23T09:00:00Z","type":"fault","fault":"f","until":"noon"}',
    b'{"time":"2026-11-23T09:00:00Z","type":"fault","fault":"f","runs":[]}',
    b'{"time":"2026-11-23T09:00:00Z","type":"effect","fault":"f1","times":{"stan-0":"noon"}}',
    b'{"time":"2026-11-23T09:00:00Z","type":"effect","fault":"f1","times":{"stan-0":7}}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
]


@pytest.mark.parametrize("line", STRANGE, ids=lambda line: line[-40:].decode("latin-1"))
def test_a_line_that_is_no_record_is_skipped(journal: Journal, line: bytes) -> None:
    journal.append(KILL)
    with journal.path.open("ab") as file:
        file.write(line + b"\n")
    journal.append(EFFECT)
    assert journal.records() == [KILL, EFFECT]


def test_a_record_of_a_kind_that_is_not_known_yet_changes_no_fault(journal: Journal) -> None:
    journal.append(KILL)
    with journal.path.open("a") as file:
        document = {"time": rfc3339(at(2)), "type": "levitation", "fault": "f1", "targets": ["stan-0"]}
        file.write(json.dumps(document) + "\n")
    assert journal.faults() == faults([KILL])


def _append(path: Path, writer: int) -> None:
    journal = Journal(path)
    for number in range(50):
        journal.append(replace(KILL, fault=f"{writer}-{number}", expected="x" * 5000))


def test_processes_that_write_at_once_lose_nothing(journal: Journal) -> None:
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=_append, args=(journal.path.parent, writer)) for writer in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert [writer.exitcode for writer in writers] == [0] * 4
    written = [record.fault for record in journal.records() if isinstance(record, FaultStarted)]
    assert len(written) == 200
    for number in range(4):
        mine = [fault for fault in written if fault.startswith(f"{number}-")]
        assert mine == [f"{number}-{turn}" for turn in range(50)]


# Faults from records


def test_a_fault_is_in_force_from_its_intent_until_all_its_targets_are_healed() -> None:
    heal_one = FaultHealed(at(3), "f1", ("stan-0",))
    heal_rest = FaultHealed(at(4), "f1", ("stan-1",))
    (fault,) = faults([KILL])
    assert (fault.in_force, fault.effective, fault.times) == (True, False, {})
    (fault,) = faults([KILL, EFFECT])
    assert (fault.effective, fault.times) == (True, {"stan-0": at(1.5)})
    assert fault.hits("stan-0")
    (fault,) = faults([KILL, EFFECT, heal_one])
    assert (fault.in_force, fault.hits("stan-0"), fault.hits("stan-1")) == (True, False, True)
    (fault,) = faults([KILL, EFFECT, heal_one, heal_rest])
    assert (fault.in_force, fault.healed_at, fault.hits("stan-1")) == (False, at(4), False)


def test_a_heal_without_targets_is_for_all_and_the_first_end_counts() -> None:
    heals = [FaultHealed(at(3), "f1"), FaultHealed(at(9), "f1")]
    (fault,) = faults([KILL, EFFECT, *heals])
    assert (fault.in_force, fault.healed_at) == (False, at(3))


def test_records_of_an_unknown_fault_are_skipped() -> None:
    assert faults([EFFECT, FaultHealed(at(3), "f1")]) == []


def test_an_outcome_is_kept_also_when_it_was_not_expected(journal: Journal) -> None:
    journal.append(KILL)
    journal.append(FaultObserved(at(3), "f1", "nothing", as_expected=False))
    (fault,) = journal.faults()
    assert (fault.observed, fault.as_expected) == ("nothing", False)


def test_an_end_with_exit_code_0_keeps_it(journal: Journal) -> None:
    ended = ProcessEnded(at(3), "stan-0", at(2), 0)
    journal.append(ended)
    assert journal.records() == [ended]


def test_closing_ends_the_faults_in_force_and_no_others(journal: Journal) -> None:
    journal.append(KILL)
    journal.append(replace(KILL, fault="f2"))
    journal.append(FaultHealed(at(3), "f2"))
    journal.close_faults()
    first, second = journal.faults()
    assert not first.in_force
    assert second.healed_at == at(3)
    size = journal.size()
    journal.close_faults()
    assert journal.size() == size


@pytest.mark.parametrize(
    ("node", "started_at", "recorded"),
    [
        ("stan-0", at(0), True),
        ("stan-0", at(0.000001), False),
        ("stan-1", at(0.5), True),
        ("stan-2", at(0), False),
        ("stan-0", None, False),
    ],
)
def test_an_end_is_recorded_for_the_very_run_that_was_hit(
    node: str, started_at: datetime | None, recorded: bool
) -> None:
    found = fault_that_ended(faults([KILL]), node, started_at)
    assert (found.name if found else None) == ("kill" if recorded else None)


def test_a_fault_that_ends_nothing_explains_no_end() -> None:
    assert fault_that_ended(faults([replace(KILL, ends_run=False)]), "stan-0", at(0)) is None


def test_a_fault_is_shown_as_the_contract_has_it() -> None:
    (fault,) = faults([KILL, EFFECT, FaultHealed(at(3), "f1")])
    shown = fault.document()
    assert {
        key: shown[key] for key in ("id", "name", "targets", "since", "until", "expected", "observed")
    } == {
        "id": "f1",
        "name": "kill",
        "targets": ["stan-0", "stan-1"],
        "since": "2026-11-23T09:00:01.000000Z",
        "until": "2026-11-23T09:00:03.000000Z",
        "expected": "no node serves afterwards",
        "observed": None,
    }


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_rfc_3339_in_utc_and_lose_nothing(time: datetime) -> None:
    text = rfc3339(time)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == time


@pytest.mark.parametrize("times", [{}, {"first_ack": rfc3339(at(2))}, {"last_ack": rfc3339(at(1))}])
def test_an_outage_without_both_its_ends_is_skipped(journal: Journal, times: dict[str, str]) -> None:
    journal.append(KILL)
    with journal.path.open("a") as file:
        file.write(json.dumps({"time": rfc3339(at(3)), "type": "outage", "times": times}) + "\n")
    assert journal.records() == [KILL]


def test_a_disk_that_takes_a_part_of_a_record_leaves_none_of_it(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(KILL)
    before = journal.path.read_bytes()
    write = os.write
    counts = iter([7, 0])
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[: next(counts)]))
    with pytest.raises(StateError, match=r"journal\.jsonl cannot be written: no space left on device"):
        journal.append(EFFECT)
    monkeypatch.undo()
    assert journal.path.read_bytes() == before
    journal.append(EFFECT)
    assert journal.records() == [KILL, EFFECT]


def test_a_journal_of_the_first_version_is_read(journal: Journal) -> None:
    """The first version wrote every field of every type, also those that a type does not use."""
    stamp = "2026-11-23T10:43:29.835234Z"
    ended = datetime.fromisoformat(stamp)
    common = {"time": stamp, "ends_run": False}
    documents: list[dict[str, object]] = [
        {**common, "type": "fault", "fault": "f", "name": "kill", "targets": ["ft-0"],
         "runs": {"ft-0": stamp}, "expected": "failover", "ends_run": True, "leaves": "ended",
         "predicted": {"states": ["degraded"]}, "notes": {"active": "ft-0"}, "until": stamp},
        {**common, "type": "note", "fault": "f", "notes": {"lost": 1}},
        {**common, "type": "effect", "fault": "f", "times": {"ft-0": stamp}, "until": stamp},
        {**common, "type": "observed", "fault": "f", "observed": "so", "as_expected": True},
        {**common, "type": "heal", "fault": "f"},
        {**common, "type": "end", "times": {"ft-0": stamp}, "exit_code": 137},
        {**common, "type": "lock-file", "observed": "replaced"},
        {**common, "type": "outage", "times": {"last_ack": stamp, "first_ack": stamp}},
    ]  # fmt: skip
    journal.path.parent.mkdir(parents=True)
    journal.path.write_text("".join(f"{json.dumps(document)}\n" for document in documents))
    assert journal.records() == [
        FaultStarted(
            ended,
            "f",
            "kill",
            ("ft-0",),
            runs={"ft-0": ended},
            until=ended,
            expected="failover",
            predicted={"states": ["degraded"]},
            ends_run=True,
            leaves="ended",
            notes={"active": "ft-0"},
        ),
        FaultNoted(ended, "f", {"lost": 1}),
        FaultTookEffect(ended, "f", {"ft-0": ended}, ended),
        FaultObserved(ended, "f", "so", as_expected=True),
        FaultHealed(ended, "f"),
        ProcessEnded(ended, "ft-0", ended, 137),
        LockFileLost(ended, "replaced"),
        OutageSeen(ended, ended, None, ended),
    ]


def test_the_time_of_a_record_is_the_clocks(tmp_path: Path) -> None:
    journal = Journal(tmp_path, clock=lambda: at(7))
    journal.lock_file_lost("removed")
    journal.outage_seen(at(1), None, at(2))
    assert journal.records() == [LockFileLost(at(7), "removed"), OutageSeen(at(7), at(1), None, at(2))]
