"""Predictions, and how they are compared with what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.faults.base import Fault
from stanlocal.faults.cut import Isolate, Partition
from stanlocal.faults.expectation import Expectation, Outcome, judge
from stanlocal.faults.kill import Kill
from stanlocal.faults.pause import Pause
from stanlocal.faults.registry import FAULTS
from stanlocal.faults.stop import Restart, RollingRestart, Stop
from stanlocal.model.assessment import assess
from stanlocal.model.states import GroupState, GroupStatus, LockFacts, LogFacts, NodeFacts, NodeState
from stanlocal.model.targets import resolve
from tests.unit.faults.instances import instance

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def status(*roles: NodeState, paused: Sequence[int] = ()) -> GroupStatus:
    """A group of nodes that are what their logs say; some of them are frozen."""
    facts = []
    for index, role in enumerate(roles):
        node = instance(index, started_at=T0)
        if role in (NodeState.STOPPED, NodeState.FAILED):
            code = 0 if role is NodeState.STOPPED else 1
            node = replace(node, status="exited", exit_code=code, finished_at=T0)
        if index in paused:
            node = replace(node, status="paused")
        facts.append(NodeFacts(node, LogFacts(role=role, served_at=T0)))
    return assess(facts, LockFacts())


def in_cluster(found: GroupStatus) -> GroupStatus:
    """The group with pods for nodes."""
    nodes = (
        replace(node, instance=replace(node.instance, plan=replace(node.instance.plan, in_cluster=True)))
        for node in found.nodes
    )
    return replace(found, nodes=tuple(nodes))


PAIR = status(NodeState.ACTIVE, NodeState.STANDBY)
TRIO = status(NodeState.ACTIVE, NodeState.STANDBY, NodeState.STANDBY)
FROZEN = status(NodeState.ACTIVE, NodeState.STANDBY, paused=[0])
LONE = status(NodeState.ACTIVE)


@pytest.mark.parametrize(
    ("fault", "group", "target", "states", "active"),
    [
        (Kill(), PAIR, "@active", [GroupState.DEGRADED], ["t-1"]),
        (Kill(), TRIO, "@active", [GroupState.DEGRADED], ["t-1", "t-2"]),
        (Kill(), PAIR, "@standby", [GroupState.DEGRADED], ["t-0"]),
        (Kill(), FROZEN, "0", [GroupState.DEGRADED], ["t-1"]),
        (Stop(), PAIR, "@active", [GroupState.DEGRADED], ["t-1"]),
        (Restart(), PAIR, "@active", [GroupState.HEALTHY], ["t-1"]),
        (Restart(), PAIR, "@standby", [GroupState.HEALTHY], ["t-0"]),
        (Restart(), LONE, "@active", [GroupState.HEALTHY], ["t-0"]),
        (RollingRestart(), TRIO, "@all", [GroupState.HEALTHY], ["t-1", "t-2"]),
        (RollingRestart(), LONE, "@all", [GroupState.HEALTHY], ["t-0"]),
        (Pause(), PAIR, "@active", [GroupState.BLOCKED, GroupState.SPLIT_BRAIN], []),
        (Pause(), PAIR, "@standby", [GroupState.DEGRADED], ["t-0"]),
        (Partition(), PAIR, "@active", [GroupState.DEGRADED], ["t-0"]),
        (Partition(), TRIO, "2", [GroupState.DEGRADED], ["t-0"]),
        (Isolate(), PAIR, "@active", [GroupState.BLOCKED, GroupState.SPLIT_BRAIN], []),
        (Isolate(), TRIO, "@standby", [GroupState.DEGRADED], ["t-0"]),
    ],
)
def test_a_fault_predicts_the_state_and_who_serves(
    fault: Fault, group: GroupStatus, target: str, states: list[GroupState], active: list[str]
) -> None:
    expected = fault.expect(group, resolve(group, [target]))
    assert (list(expected.states), list(expected.active)) == (states, active)
    assert ("no failover" in expected.text) == (group.active in expected.active or not expected.active) or (
        "comes back" in expected.text
    )


@pytest.mark.parametrize(
    ("fault", "group", "target", "state", "active"),
    [
        (Kill(), PAIR, "@active", GroupState.HEALTHY, ["t-0", "t-1"]),
        (Kill(), PAIR, "@standby", GroupState.HEALTHY, ["t-0"]),
        (Kill(), PAIR, "@all", GroupState.HEALTHY, ["t-0", "t-1"]),
        (Kill(), LONE, "@active", GroupState.HEALTHY, ["t-0"]),
        (Restart(), TRIO, "@active", GroupState.HEALTHY, ["t-0", "t-1", "t-2"]),
        (RollingRestart(), PAIR, "@all", GroupState.HEALTHY, ["t-0", "t-1"]),
        (Stop(), PAIR, "@active", GroupState.DEGRADED, ["t-1"]),
    ],
)
def test_a_pod_comes_back_at_once_and_may_win_the_lock_unless_it_is_held(
    fault: Fault, group: GroupStatus, target: str, state: GroupState, active: list[str]
) -> None:
    group = in_cluster(group)
    expected = fault.expect(group, resolve(group, [target]))
    assert (list(expected.states), sorted(expected.active)) == ([state], active)


def test_killing_all_predicts_that_no_node_serves() -> None:
    expected = Kill().expect(PAIR, PAIR.nodes)
    assert GroupState.DOWN in expected.states
    assert not expected.active


@pytest.mark.parametrize("kind", FAULTS.values(), ids=FAULTS)
def test_a_prediction_survives_the_journal(kind: type[Fault]) -> None:
    expected = kind().expect(PAIR, resolve(PAIR, kind.default_targets))
    assert Expectation.from_document(expected.text, expected.document()) == expected


@given(
    st.dictionaries(st.sampled_from(["states", "active", "within_s", "holds_s"]), st.text() | st.integers())
)
def test_a_damaged_prediction_is_none(document: dict[str, object]) -> None:
    """A prediction of a later version, or a truncated one, is not compared with anything."""
    assert Expectation.from_document("", document) is None or set(document) == {
        "states",
        "active",
        "within_s",
        "holds_s",
    }


FAILOVER = Expectation("failover", (GroupState.DEGRADED,), ("t-1",), within_s=5)
NOBODY = status(NodeState.STOPPED, NodeState.STANDBY)
TAKEN = status(NodeState.STOPPED, NodeState.ACTIVE)


@pytest.mark.parametrize(
    ("span", "seconds", "over", "verdict"),
    [
        ([(0.0, NOBODY), (0.7, TAKEN)], 1.0, False, True),
        ([(0.0, NOBODY)], 1.0, False, "undecided"),
        ([(0.0, NOBODY)], 6.0, False, False),
        ([(0.0, NOBODY)], 1.0, True, None),
        ([(0.0, NOBODY), (0.7, TAKEN), (0.9, NOBODY)], 6.0, False, False),
        ([], 6.0, False, "undecided"),
        ([(0.0, status(NodeState.STOPPED, NodeState.RECOVERING))], 6.0, False, "undecided"),
    ],
    ids=["met", "too early", "never", "healed before", "met, then lost", "nothing seen", "still reads"],
)
def test_a_prediction_is_judged_by_how_the_group_ended_up(
    span: list[tuple[float, GroupStatus]], seconds: float, over: bool, verdict: bool | str | None
) -> None:
    timed = [(T0 + timedelta(seconds=at), group) for at, group in span]
    outcome = judge(FAILOVER, "t-0", T0, timed, T0 + timedelta(seconds=seconds), over=over)
    if verdict == "undecided":
        assert outcome is None
    else:
        assert outcome is not None
        assert outcome.as_expected is verdict


def test_an_outcome_says_who_serves_since_when() -> None:
    span = [(T0, NOBODY), (T0 + timedelta(seconds=0.7), TAKEN)]
    outcome = judge(FAILOVER, "t-0", T0, span, T0 + timedelta(seconds=1), over=False)
    assert outcome == Outcome("failover: t-1 serves after 0.70 s; the group is degraded", True)
