"""The role of a node whose machine does not answer, from what the others did."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from stanlocal.model.assessment import assess
from stanlocal.model.states import GroupState, LockFacts, LogFacts, NodeFacts, NodeState
from tests.support.facts import START, at, instance

LOST = "the machine node-0 does not answer since 2026-11-23T09:10:00Z"


def lost(name: str, *, started: datetime = START) -> NodeFacts:
    found = replace(instance(name), started_at=started, machine="node-0", lost=LOST)
    return NodeFacts(replace(found, clients_connected=False, routes_connected=False), LogFacts())


def serving(name: str, *, booted: float = 0.0, taken: float) -> NodeFacts:
    log = LogFacts(NodeState.ACTIVE, served_at=at(taken + 0.1), booted_at=at(booted), lock_taken_at=at(taken))
    return NodeFacts(replace(instance(name), started_at=at(booted), machine="node-1"), log)


def standby(name: str, *, started: float = 0.0) -> NodeFacts:
    log = LogFacts(NodeState.STANDBY, booted_at=at(started))
    return NodeFacts(replace(instance(name), started_at=at(started), machine="node-1"), log)


CASES = {
    "one took over from it": ([lost("stan-0"), serving("stan-1", taken=600)], "active"),
    "the other had the lock from its start": ([lost("stan-0"), serving("stan-1", taken=1.3)], "standby"),
    "the other had it after a restart of its own": (
        [lost("stan-0"), serving("stan-1", booted=600, taken=601.3)],
        "standby",
    ),
    "it was itself started again just before": (
        [lost("stan-0", started=at(595)), serving("stan-1", taken=600)],
        "standby",
    ),
    "another was started again just after": (
        [lost("stan-0"), serving("stan-1", taken=600), standby("stan-2", started=602)],
        "standby",
    ),
    "another stood by all the time": (
        [lost("stan-0"), serving("stan-1", taken=600), standby("stan-2")],
        "active",
    ),
    "two are lost, and either may have served": (
        [lost("stan-0"), serving("stan-1", taken=600), lost("stan-2")],
        "standby",
    ),
    "none serves": ([lost("stan-0"), standby("stan-1")], "starting"),
}


@pytest.mark.parametrize(("facts", "state"), CASES.values(), ids=CASES)
def test_a_lost_node_is_what_the_others_show(facts: list[NodeFacts], state: str) -> None:
    status = assess(facts, LockFacts())
    node = status.node("stan-0")
    assert (node.state.value, node.partitioned, node.reachable) == (state, True, False)
    assert node.problem == f"{LOST}; its server may still run there"


def test_two_actives_of_which_one_is_lost_are_named_with_their_machines_and_times() -> None:
    status = assess(CASES["one took over from it"][0], LockFacts())
    assert status.state is GroupState.SPLIT_BRAIN
    assert status.active == "stan-1"
    assert status.problem is not None
    assert "stan-0 (on node-0) and stan-1 (on node-1, since 2026-11-23T09:10:00.100000Z)" in status.problem
    assert LOST in status.problem


def test_one_of_several_lost_nodes_may_be_the_second_active() -> None:
    status = assess([lost("stan-0"), serving("stan-1", taken=600), lost("stan-2")], LockFacts())
    assert (status.state, status.active) == (GroupState.SPLIT_BRAIN, "stan-1")
    assert status.problem is not None
    assert "stan-1 (on node-1, since 2026-11-23T09:10:00.100000Z) has taken over from stan-0 or stan-2" in (
        status.problem
    )


def test_a_node_that_logged_its_role_before_it_was_lost_keeps_it() -> None:
    facts = replace(lost("stan-0"), log=LogFacts(NodeState.STANDBY))
    status = assess([facts, serving("stan-1", taken=600)], LockFacts())
    assert status.states == {"stan-0": "standby", "stan-1": "active"}
    assert status.state is GroupState.DEGRADED


def test_a_node_that_answers_through_its_monitor_is_not_out_of_sight() -> None:
    unread = replace(standby("stan-0"), log=LogFacts(), unread="its log cannot be read", monitor="FT_STANDBY")
    status = assess([unread, serving("stan-1", taken=600)], LockFacts())
    assert (status.node("stan-0").state, status.state) == (NodeState.STANDBY, GroupState.HEALTHY)


def test_a_lost_node_that_had_ended_before_has_ended() -> None:
    ended = replace(instance("stan-0", "exited", exit_code=137), lost=LOST)
    status = assess([NodeFacts(ended, LogFacts()), serving("stan-1", taken=600)], LockFacts())
    assert status.states == {"stan-0": "failed", "stan-1": "active"}
