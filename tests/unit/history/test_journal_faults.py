"""The faults and outages that the journal's records describe."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stanlocal.history.failovers import find
from stanlocal.history.journal import Journal, faults
from stanlocal.history.occurrences import (
    Cut,
    Frozen,
    Healed,
    Hit,
    Logged,
    Occurrence,
    Rejoined,
    Thawed,
    of_records,
)
from stanlocal.history.records import (
    FaultHealed,
    FaultNoted,
    FaultObserved,
    FaultStarted,
    FaultTookEffect,
    OutageSeen,
    Record,
)
from stanlocal.logs import event_types as ev

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def fault(leaves: str | None = "frozen", until: float | None = None) -> FaultStarted:
    return FaultStarted(
        at(0),
        "f",
        "x",
        ("t-0", "t-1"),
        leaves=leaves,  # type: ignore[arg-type]
        until=at(until) if until is not None else None,
    )


EFFECT = FaultTookEffect(at(1), "f", {"t-0": at(1), "t-1": at(1)})


def test_a_fault_without_effect_is_overdue_at_once() -> None:
    """The reader holds the group's lock, so no injection is running: it was cut short."""
    (found,) = faults([fault()])
    assert found.in_force
    assert found.overdue(at(0))


def test_a_fault_is_overdue_when_its_time_is_up() -> None:
    (found,) = faults([fault(until=10), EFFECT])
    assert not found.overdue(at(9))
    assert found.overdue(at(10))


def test_a_fault_s_time_counts_from_its_effect() -> None:
    (found,) = faults([fault(until=10), replace(EFFECT, until=at(11))])
    assert found.until == at(11)
    assert not found.overdue(at(10))


def test_a_fault_without_end_is_never_overdue() -> None:
    (found,) = faults([fault(), EFFECT])
    assert not found.overdue(at(1e6))


def test_a_fault_is_over_when_each_of_its_targets_is_healed() -> None:
    half: list[Record] = [fault(), EFFECT, FaultHealed(at(2), "f", ("t-1",))]
    (found,) = faults(half)
    assert found.in_force
    assert (found.hits("t-0"), found.hits("t-1")) == (True, False)
    (found,) = faults([*half, FaultHealed(at(3), "f")])
    assert (found.in_force, found.healed_at) == (False, at(3))
    assert found.healed == {"t-1": at(2), "t-0": at(3)}


def test_notes_of_all_steps_are_kept() -> None:
    (found,) = faults([fault(), FaultNoted(at(1), "f", {"a": 1}), FaultNoted(at(2), "f", {"b": 2})])
    assert found.notes == {"a": 1, "b": 2}


def test_the_outcome_of_a_fault_comes_back_from_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for record in (fault(), EFFECT, FaultObserved(at(2), "f", "o", as_expected=False)):
        journal.append(record)
    (found,) = journal.faults()
    assert (found.observed, found.as_expected) == ("o", False)
    assert found.document()["as_expected"] is False


def test_a_faults_condition_is_an_occurrence_of_each_node_until_it_is_healed() -> None:
    for leaves, begin, end in (
        ("frozen", Frozen(), Thawed()),
        ("unrouted", Cut(clients=False), Rejoined()),
        ("isolated", Cut(clients=True), Rejoined()),
    ):
        records: list[Record] = [fault(leaves), EFFECT, FaultHealed(at(2), "f", ("t-0",))]
        happened = [(occurrence.time, occurrence.node, occurrence.what) for occurrence in of_records(records)]
        assert (at(1), "t-0", begin) in happened
        assert (at(1), "t-1", begin) in happened
        assert (at(2), "t-0", end) in happened
        assert not any(isinstance(what, Healed) for _, _, what in happened)
        assert sum(isinstance(what, Hit) for _, _, what in happened) == 2


def ready(seconds: float, node: str) -> Occurrence:
    return Occurrence(at(seconds), node, Logged(ev.StreamingReady(), "STREAM: Streaming Server is ready"))


def outage(last_ack: float, first_ack: float) -> Occurrence:
    (occurrence,) = of_records([OutageSeen(at(first_ack), at(last_ack), None, at(first_ack))])
    return occurrence


def test_an_outage_that_a_client_saw_gives_a_failover_its_last_phase() -> None:
    (found,) = find([ready(0, "t-0"), ready(2, "t-1"), outage(1.3, 2.25)])
    assert (found.last_ack_at, found.first_ack_at) == (at(1.3), at(2.25))
    assert found.phases_ms["first_ack"] == 250
    assert found.outage_ms == sum(filter(None, found.phases_ms.values()))


def test_an_outage_of_another_time_gives_a_failover_nothing() -> None:
    (found,) = find([ready(0, "t-0"), ready(2, "t-1"), outage(3, 4)])
    assert found.outage_ms is None


def test_the_last_of_two_failovers_ends_their_outage() -> None:
    first, second = find([ready(0, "t-0"), ready(2, "t-1"), ready(4, "t-0"), outage(1, 5)])
    assert first.outage_ms is None
    assert second.first_ack_at == at(5)
