"""A ledger as a story: the group and the events of each moment; damaged notes are passed over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.errors import LedgerError
from stanlocal.tui.replay.story import Story, apply
from stanlocal.util.timestamps import rfc3339
from tests.unit.drill.story import START
from tests.unit.drill.story import Story as Ledger

KILL = {
    "id": "f1",
    "name": "kill",
    "targets": ["g-0"],
    "since": rfc3339(START),
    "until": None,
    "expected": "failover",
    "observed": None,
    "as_expected": None,
}


def moments_of(failover: bool) -> dict[str, Any]:
    def at(ms: int) -> str:
        return rfc3339(START + timedelta(milliseconds=ms))

    times = {"fault": at(3), "lock": at(900), "ready": at(1000)}
    return {"moments": {**times, **({"first_ack": at(1100)} if failover else {})}}


def ledger() -> Ledger:
    """A drill in which the active node is killed."""
    told = Ledger().note("nodes", states={"g-0": "active", "g-1": "standby"})
    told.note("step", number=1, step="kill @active").note("fault", node="g-0", **KILL)
    state = {"from": "active", "to": "stopped", "paused": False, "partitioned": False}
    told.note("role", node="g-0", **state)
    told.note("group-state", **{"from": "healthy", "to": "failover", "active": None, "problem": None})
    told.publish(0, 1).later(1000)
    failover: dict[str, Any] = {
        "cause": "kill",
        "from": "g-0",
        "to": "g-1",
        "phases_ms": {},
        "outage_ms": None,
    }
    told.note("failover", node="g-1", **failover, **moments_of(False))
    told.note("group-state", **{"from": "failover", "to": "degraded", "active": "g-1", "problem": None})
    told.ack(0, 1).note("heal", node="g-0", **KILL)
    told.note("failovers", failovers=[{**failover, **moments_of(True)}])
    told.note("faults", faults=[{**KILL, "until": rfc3339(START + timedelta(seconds=2)), "observed": "so"}])
    return told.note("end", interrupted=False)


def test_the_group_is_shown_as_it_was_at_each_moment() -> None:
    story = Story(ledger().findings())
    scene = story.scene()
    assert (scene.document()["state"], scene.document()["active"]) == ("healthy", "g-0")
    states = []
    for moment in story.moments:
        if moment.event is not None and apply(scene, moment.event):
            document = scene.document()
            in_force = [fault["name"] for fault in document["faults"]]
            states.append((document["state"], document["nodes"][0]["state"], in_force))
    assert states == [
        ("healthy", "active", ["kill"]),
        ("healthy", "stopped", ["kill"]),
        ("failover", "stopped", ["kill"]),
        ("degraded", "stopped", ["kill"]),
        ("degraded", "stopped", []),
    ]


def test_steps_failovers_and_the_load_are_moments_too() -> None:
    story = Story(ledger().findings())
    assert [moment.doing for moment in story.moments if moment.doing] == ["step 1: kill @active"]
    (failover,) = next(moment.failovers for moment in story.moments if moment.failovers)
    assert failover.outage_ms == 1097.0, "with the client's view, which the drill noted at its end"
    counts = [moment.counts for moment in story.moments if moment.counts]
    assert counts[-1].stored == 1
    assert [moment.at for moment in story.moments] == sorted(moment.at for moment in story.moments)
    assert story.length >= story.moments[-1].at


def test_faults_are_over_once_the_clock_has_passed_their_end() -> None:
    story = Story(ledger().findings())
    (fault,) = story.faults(1.0)
    assert (fault.in_force, fault.observed) == (True, "so")
    (fault,) = story.faults(2.5)
    assert not fault.in_force
    assert story.faults(-1.0) == []


@pytest.mark.parametrize("told", [Ledger(), Ledger().note("nodes"), Ledger().note("nodes", states=["g-0"])])
def test_a_ledger_that_ends_before_the_group_was_seen_is_refused(told: Ledger) -> None:
    with pytest.raises(LedgerError, match=r"ends before the drill has seen its group.*drill verify"):
        Story(told.findings())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["active", "down", "g-0", "2026", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["moments", "a"]), inner),
    max_leaves=6,
)
KINDS = ("role", "said", "group-state", "fault", "heal", "failover", "lock", "failovers", "faults", "step")
FIELDS = ("from", "to", "id", "name", "targets", "moments", "problem", "faults", "failovers", "node", "since")


@given(notes=st.lists(st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), ANYTHING))))
def test_whatever_notes_hold_the_story_is_shown(notes: list[tuple[str, dict[str, Any]]]) -> None:
    told = Ledger().note("nodes", states={"g-0": "active"})
    for kind, fields in notes:
        told.note(kind, **fields)
    story = Story(told.findings())
    scene = story.scene()
    for moment in story.moments:
        if moment.event is not None:
            apply(scene, moment.event)
        scene.document()
    story.faults(story.length)
