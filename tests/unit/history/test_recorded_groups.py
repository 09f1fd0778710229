"""Failovers and events, derived from what real groups have left behind (see recorded_groups/)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.group.home import GroupHome
from stanlocal.history import failovers, occurrences, timeline
from stanlocal.history.failovers import PHASES, Failover
from stanlocal.history.journal import faults
from stanlocal.history.occurrences import Ended, Healed, Hit, Logged, Occurrence, Outage
from stanlocal.history.records import FaultStarted
from stanlocal.history.timeline import Event
from stanlocal.logs import event_types as ev
from stanlocal.logs.line_patterns import parse
from stanlocal.model.instance import EngineEvent
from stanlocal.model.plan import GroupPlan
from tests.support.facts import at, group_plan, instance

RECORDINGS = Path(__file__).parent / "recorded_groups"

FAILOVERS = {
    "kill": [("kill", "ft-0", "ft-1")],
    "stop": [("stop", "ft-0", "ft-1")],
    "crash": [("exit 137", "ft-0", "ft-1")],
    "pause-then-kill": [("kill", "ft-0", "ft-1")],
    "pause-then-unpause": [],
    "restart-alone": [],
    "three-nodes": [("kill", "ft-0", "ft-1"), ("kill", "ft-1", "ft-2")],
}

GROUP_STATES = {
    "kill": "starting recovering healthy failover recovering degraded healthy",
    "stop": "starting recovering healthy failover recovering degraded healthy",
    "crash": "starting recovering healthy failover recovering degraded healthy",
    "pause-then-kill": "starting recovering healthy blocked failover recovering degraded",
    "pause-then-unpause": "starting recovering healthy blocked healthy",
    "restart-alone": "starting recovering healthy down failover recovering healthy",
    "three-nodes": "starting recovering healthy failover recovering degraded failover recovering degraded",
}


@cache
def recording(name: str) -> tuple[GroupPlan, tuple[Occurrence, ...]]:
    home = GroupHome(RECORDINGS / name)
    nodes = [path.stem for path in sorted((home.folder / "logs").iterdir())]
    logs = {node: [parse(line.text, line.time) for line in home.saved_log(node).lines()] for node in nodes}
    return group_plan(len(nodes), "ft"), tuple(occurrences.merge(logs, [], home.journal.records()))


def replayed(name: str) -> list[Event]:
    return timeline.replay(*recording(name))


def without(past: Sequence[Occurrence], *kinds: type[ev.LogEvent]) -> list[Occurrence]:
    return [
        occurrence
        for occurrence in past
        if not (isinstance(occurrence.what, Logged) and isinstance(occurrence.what.event, kinds))
    ]


def test_every_recording_has_its_expectations() -> None:
    folders = {path.name for path in RECORDINGS.iterdir() if path.is_dir()}
    assert folders == FAILOVERS.keys() == GROUP_STATES.keys()


# Failovers


@pytest.mark.parametrize("name", FAILOVERS)
def test_a_failover_is_a_transition_from_one_node_to_another(name: str) -> None:
    found = failovers.find(recording(name)[1])
    assert [(each.cause, each.from_node, each.to_node) for each in found] == FAILOVERS[name]


@pytest.mark.parametrize("name", ["kill", "stop", "crash", "pause-then-kill"])
def test_its_phases_follow_each_other_and_add_up(name: str) -> None:
    (failover,) = failovers.find(recording(name)[1])
    phases = failover.phases_ms
    assert list(phases) == list(PHASES)
    assert phases.pop("first_ack") is None
    assert all(phase is not None and phase >= 0 for phase in phases.values())
    assert sum(phase or 0 for phase in phases.values()) == pytest.approx(failover.server_ms)
    assert 1 < failover.server_ms < 1500
    assert (failover.outage_ms, failover.first_ack_at) == (None, None)


def test_an_unlogged_phase_is_unknown_and_the_next_counts_from_before_it() -> None:
    first, second = failovers.find(recording("three-nodes")[1])
    assert first.phases_ms["detected"] is None  # there was no route between these two at that time
    assert first.phases_ms["lock"] == pytest.approx(1017.221)
    assert second.phases_ms["detected"] is not None


@pytest.mark.parametrize(
    ("kind", "phase", "next_phase"),
    [
        (ev.RouteDown, "detected", "lock"),
        (ev.LockTaken, "lock", "recovering"),
        (ev.RecoveryEnded, "recovering", "ready"),
    ],
)
def test_a_missing_line_costs_its_own_phase_only(
    kind: type[ev.LogEvent], phase: str, next_phase: str
) -> None:
    past = recording("kill")[1]
    (whole,), (part,) = failovers.find(past), failovers.find(without(past, kind))
    assert part.phases_ms[phase] is None
    later = (
        part.started_at - whole.started_at
    ).total_seconds() * 1000  # without RouteDown: the engine's record
    both = (whole.phases_ms[phase] or 0) + (whole.phases_ms[next_phase] or 0)
    assert part.phases_ms[next_phase] == pytest.approx(both - later)
    assert part.server_ms == pytest.approx(whole.server_ms - later)


def test_without_a_trace_of_the_end_a_failover_begins_with_what_was_seen_first() -> None:
    past = recording("crash")[1]
    (whole,) = failovers.find(past)
    after_end = [
        occurrence for occurrence in past if occurrence.node != "ft-0" or occurrence.time < whole.started_at
    ]
    (part,) = failovers.find(after_end)
    assert (part.cause, part.from_node, part.to_node) == ("unknown", "ft-0", "ft-1")
    assert part.started_at == part.detected_at
    assert part.ready_at == whole.ready_at


def is_ready(occurrence: Occurrence) -> bool:
    return isinstance(occurrence.what, Logged) and isinstance(occurrence.what.event, ev.StreamingReady)


def with_actives(past: Sequence[Occurrence]) -> list[Occurrence]:
    """Record the faults with the node that served just before."""
    ready = [(occurrence.time, occurrence.node) for occurrence in past if is_ready(occurrence)]

    def noted(what: Hit | Healed) -> Hit | Healed:
        active = [node for time, node in ready if time < what.fault.since][-1]
        return type(what)(replace(what.fault, notes={"active": active}))

    return [
        replace(occurrence, what=noted(occurrence.what))
        if isinstance(occurrence.what, Hit | Healed)
        else occurrence
        for occurrence in past
    ]


@pytest.mark.parametrize(
    ("name", "lost", "left"),
    [
        ("kill", "ft-0", [("kill", "ft-0", "ft-1")]),
        ("stop", "ft-0", [("stop", "ft-0", "ft-1")]),
        ("pause-then-kill", "ft-0", [("kill", "ft-0", "ft-1")]),
        ("three-nodes", "ft-0", FAILOVERS["three-nodes"]),
        ("three-nodes", "ft-1", [("kill", "ft-1", "ft-2")]),
        ("crash", "ft-0", []),
    ],
)
def test_the_node_that_served_is_on_record_where_its_line_is_not_kept(
    name: str, lost: str, left: list[tuple[str, str, str]]
) -> None:
    past = with_actives(recording(name)[1])
    kept = [occurrence for occurrence in past if not (is_ready(occurrence) and occurrence.node == lost)]
    found = failovers.find(kept)
    assert [(each.cause, each.from_node, each.to_node) for each in found] == left
    assert set(found) <= set(failovers.find(past))


def test_the_record_of_a_fault_is_older_than_the_failover_that_it_brings() -> None:
    """The engine's record of an end can be later than the next node's line."""
    past = with_actives(recording("kill")[1])
    (failover,) = failovers.find(past)
    late = failover.ready_at + timedelta(milliseconds=1)
    moved = [
        replace(occurrence, time=late) if isinstance(occurrence.what, Hit | Ended) else occurrence
        for occurrence in past
    ]
    back = Occurrence(past[-1].time + timedelta(seconds=9), "ft-0", next(filter(is_ready, past)).what)
    found = failovers.find(sorted([*moved, back], key=lambda occurrence: occurrence.time))
    assert [(each.from_node, each.to_node) for each in found] == [("ft-0", "ft-1"), ("ft-1", "ft-0")]


@given(st.data())
def test_whatever_is_missing_phases_are_never_negative(data: st.DataObject) -> None:
    past = recording(data.draw(st.sampled_from(sorted(FAILOVERS))))[1]
    kept = data.draw(st.lists(st.booleans(), min_size=len(past), max_size=len(past)))
    left = [occurrence for occurrence, keep in zip(past, kept, strict=True) if keep]
    for failover in failovers.find(left):
        seen = [phase for phase in failover.phases_ms.values() if phase is not None]
        assert all(phase >= 0 for phase in seen)
        assert sum(seen) == pytest.approx(failover.server_ms, abs=0.01)
        assert failover.from_node != failover.to_node
    timeline.replay(group_plan(3, "ft"), left)


def test_the_outage_is_the_one_that_a_client_saw() -> None:
    past = list(recording("kill")[1])
    (failover,) = failovers.find(past)
    ack = timedelta(milliseconds=40)
    outage = Outage(failover.started_at - ack, failover.started_at, failover.ready_at + ack)
    (seen,) = failovers.find([*past, Occurrence(outage.first_ack, None, outage)])
    assert seen.phases_ms["first_ack"] == pytest.approx(40)
    assert seen.outage_ms == pytest.approx(failover.server_ms + 40)
    later = Outage(failover.ready_at + ack, None, failover.ready_at + 2 * ack)
    (other,) = failovers.find([*past, Occurrence(later.first_ack, None, later)])
    assert other.outage_ms is None


def test_an_ack_that_comes_before_the_server_has_written_that_it_is_ready_ends_the_outage() -> None:
    past = list(recording("kill")[1])
    (failover,) = failovers.find(past)
    assert failover.lock_at is not None
    early = Outage(failover.started_at, None, failover.lock_at + timedelta(milliseconds=1))
    (seen,) = failovers.find(
        sorted([*past, Occurrence(early.first_ack, None, early)], key=lambda each: each.time)
    )
    assert seen.phases_ms["first_ack"] == 0
    too_early = Outage(failover.started_at, None, failover.lock_at - timedelta(milliseconds=60))
    (other,) = failovers.find([*past, Occurrence(too_early.first_ack, None, too_early)])
    assert other.outage_ms is None


def test_the_last_of_several_failovers_ends_their_outage() -> None:
    past = list(recording("three-nodes")[1])
    first, last = failovers.find(past)
    outage = Outage(first.started_at, None, last.ready_at + timedelta(seconds=1))
    seen = failovers.find([*past, Occurrence(outage.first_ack, None, outage)])
    assert [each.first_ack_at for each in seen] == [None, outage.first_ack]


@pytest.mark.parametrize("name", [name for name, found in FAILOVERS.items() if found])
def test_a_failover_can_be_read_back_from_its_document(name: str) -> None:
    for failover in failovers.find(recording(name)[1]):
        assert failovers.Failover.from_document(failover.document()) == failover


def test_the_document_is_that_of_the_contract() -> None:
    document = failovers.document(failovers.find(recording("kill")[1]))
    assert {key: document[key] for key in ("p50_ms", "p95_ms", "max_ms")} == {
        "p50_ms": None,
        "p95_ms": None,
        "max_ms": None,
    }
    (shown,) = document["failovers"]
    assert (shown["cause"], shown["from"], shown["to"], shown["outage_ms"]) == ("kill", "ft-0", "ft-1", None)
    assert shown["started_at"] == "2026-11-23T10:42:54.279706Z"
    assert set(shown["phases_ms"]) == {"detected", "lock", "recovering", "ready", "first_ack"}


def test_percentiles_skip_failovers_that_no_client_saw() -> None:
    unseen = Failover("kill", "ft-0", "ft-1", at(0), None, None, None, at(1))
    seen = [replace(unseen, first_ack_at=at(second)) for second in range(1, 101)]
    document = failovers.document([unseen, *seen])
    assert (document["p50_ms"], document["p95_ms"], document["max_ms"]) == (50_000, 95_000, 100_000)


# Events


@pytest.mark.parametrize("name", GROUP_STATES)
def test_the_groups_states_follow_each_other(name: str) -> None:
    states = [event.detail["to"] for event in replayed(name) if event.type == "group-state"]
    assert states == GROUP_STATES[name].split()


@pytest.mark.parametrize("name", FAILOVERS)
def test_events_are_in_order_and_each_change_begins_where_the_last_one_ended(name: str) -> None:
    past = replayed(name)
    assert [event.time for event in past] == sorted(event.time for event in past)
    last: dict[str | None, str] = {}
    for event in past:
        if event.type in ("state", "group-state"):
            begin = "created" if event.node else "down"
            assert event.detail["from"] == last.get(event.node, begin)
            last[event.node] = event.detail["to"]


def test_a_kill_tells_fault_states_lock_failover_and_heal() -> None:
    past = [
        event
        for event in replayed("kill")
        if event.time >= failovers.find(recording("kill")[1])[0].started_at
    ]
    assert [(event.type, event.node) for event in past if event.type != "group-state"] == [
        ("fault", "ft-0"),
        ("state", "ft-0"),
        ("lock", "ft-1"),
        ("state", "ft-1"),
        ("state", "ft-1"),
        ("failover", "ft-1"),
        ("state", "ft-0"),
        ("heal", "ft-0"),
        ("state", "ft-0"),
    ]
    assert all(set(event.document()) == {"time", "type", "node", "detail"} for event in past)


def test_a_recorded_end_is_a_stop_and_a_crash_is_a_failure() -> None:
    ends = {
        name: next(event.detail["to"] for event in replayed(name) if event.detail.get("from") == "active")
        for name in ("kill", "stop", "crash")
    }
    assert ends == {"kill": "stopped", "stop": "stopped", "crash": "failed"}


def test_a_frozen_active_node_blocks_the_group_and_says_so() -> None:
    (blocked,) = (event for event in replayed("pause-then-kill") if event.detail.get("to") == "blocked")
    assert blocked.detail["problem"].startswith("ft-0 is paused and keeps the store lock; unpause or kill it")
    paused = [event.detail["paused"] for event in replayed("pause-then-unpause") if event.type == "state"]
    assert paused.count(True) == 1


def test_fatal_lines_are_problems() -> None:
    line = parse("[1] 2026/11/23 09:00:01.000000 [FTL] STREAM: cannot go on", at(1))
    occurrence = occurrences.of_line("ft-0", line)
    assert occurrence is not None
    (problem,) = timeline.replay(group_plan(1, "ft"), [occurrence])
    assert (problem.type, problem.node, problem.detail) == ("problem", "ft-0", {"problem": "cannot go on"})


def test_moments_of_nodes_that_are_gone_tell_nothing() -> None:
    assert timeline.replay(group_plan(1, "ft"), [Occurrence(at(0), "ft-7", Ended(1, recorded=False))]) == []


# Moments


def test_lines_without_a_meaning_are_no_moments() -> None:
    assert occurrences.of_line("ft-0", parse("[1] 2026/11/23 09:00:01.000000 [INF] hello", at(1))) is None


def test_only_a_run_that_has_ended_has_an_end() -> None:
    assert occurrences.of_end(instance("stan-0"), []) is None
    ended = instance("stan-0", "exited", exit_code=137)
    assert occurrences.of_end(ended, []) == Occurrence(at(10), "stan-0", Ended(137, recorded=False))


def test_an_end_names_the_fault_that_is_on_record_for_its_run() -> None:
    ended = instance("stan-0", "exited", exit_code=137)
    assert ended.started_at is not None
    begun = FaultStarted(
        at(5), "f", "kill", ("stan-0",), runs={"stan-0": ended.started_at}, expected="", ends_run=True
    )
    [fault] = faults([begun])
    explained = Ended(137, recorded=True, fault="kill")
    assert occurrences.of_end(ended, [fault]) == Occurrence(at(10), "stan-0", explained)
    event = EngineEvent(at(10), "stan-0", "die", 137)
    assert occurrences.of_engine_event(event, fault) == Occurrence(at(10), "stan-0", explained)


def test_the_engines_events_are_moments_but_for_those_that_logs_tell_better() -> None:
    past = [
        occurrences.of_engine_event(
            EngineEvent(at(1), "ft-0", action, 137 if action == "die" else None), None
        )
        for action in ("create", "start", "die", "pause", "unpause", "destroy")
    ]
    assert [type(occurrence.what).__name__ if occurrence else None for occurrence in past] == [
        None,
        None,
        "Ended",
        "Frozen",
        "Thawed",
        None,
    ]
