"""Every state of a node and of a group, from the facts that make it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stanlocal.model.assessment import assess
from stanlocal.model.states import GroupState, LockFacts, LogFacts, NodeFacts, NodeState
from tests.support.facts import at, group_plan, node

STARTING, STANDBY, RECOVERING, ACTIVE = (
    NodeState.STARTING,
    NodeState.STANDBY,
    NodeState.RECOVERING,
    NodeState.ACTIVE,
)
UNSEEN = LockFacts()
FREE = LockFacts(visible=True)
BUSY = "ft: unable to get store lock at this time, going back to standby"


def held_by(name: str) -> LockFacts:
    return LockFacts(visible=True, holder=name)


def restarted(facts: NodeFacts) -> NodeFacts:
    """The node runs again, and all that it has written is older than that."""
    return replace(facts, instance=replace(facts.instance, begun_after=at(10)))


NODES = {
    "made, not started": (node("stan-0", status="created"), "created", None),
    "could not be started": (
        node("stan-0", status="created", error="Bind for 127.0.0.1:4222 failed"),
        "failed",
        "Bind for 127.0.0.1:4222 failed",
    ),
    "runs, has written nothing": (node("stan-0"), "starting", None),
    "runs, has begun": (node("stan-0", STARTING), "starting", None),
    "stands by": (node("stan-0", STANDBY), "standby", None),
    "has the lock": (node("stan-0", RECOVERING), "recovering", None),
    "has the lock, which the monitor calls active": (
        node("stan-0", RECOVERING, monitor="FT_ACTIVE"),
        "recovering",
        None,
    ),
    "is ready": (node("stan-0", ACTIVE, monitor="FT_ACTIVE"), "active", None),
    "log rotated away, monitor active": (node("stan-0", monitor="FT_ACTIVE"), "active", None),
    "log rotated away, monitor standby": (node("stan-0", monitor="FT_STANDBY"), "standby", None),
    "log and monitor say nothing": (node("stan-0", monitor="FAILED"), "starting", None),
    "log rotated away, paused since the monitor answered": (
        node("stan-0", None, "paused", monitor="FT_ACTIVE"),
        "active",
        None,
    ),
    "monitor in a state of its own": (node("stan-0", STANDBY, monitor="FAILED"), "standby", None),
    "starts, monitor ahead": (node("stan-0", STARTING, monitor="FT_STANDBY"), "starting", None),
    "log active, monitor standby": (
        node("stan-0", ACTIVE, monitor="FT_STANDBY"),
        "active",
        "its log says active, its monitor says FT_STANDBY",
    ),
    "log standby, monitor active": (
        node("stan-0", STANDBY, monitor="FT_ACTIVE"),
        "standby",
        "its log says standby, its monitor says FT_ACTIVE",
    ),
    "fatal line, still there": (node("stan-0", STARTING, failure="no room"), "starting", "no room"),
    "paused active": (node("stan-0", ACTIVE, "paused"), "active", None),
    "SIGINT": (node("stan-0", ACTIVE, "exited", exit_code=0), "stopped", None),
    "SIGTERM": (node("stan-0", ACTIVE, "exited", exit_code=143), "stopped", None),
    "recorded kill": (node("stan-0", ACTIVE, "exited", exit_code=137, recorded=True), "stopped", None),
    "kill that is not recorded": (
        node("stan-0", ACTIVE, "exited", exit_code=137),
        "failed",
        "exit 137: no line in its log says why",
    ),
    "refused configuration": (
        node("stan-0", STARTING, "exited", exit_code=1, failure="Parse error on line 3"),
        "failed",
        "exit 1: Parse error on line 3",
    ),
    "out of memory": (
        node("stan-0", ACTIVE, "exited", exit_code=137, error="killed: out of memory"),
        "failed",
        "exit 137: killed: out of memory",
    ),
}


@pytest.mark.parametrize("case", NODES)
def test_a_nodes_state_and_problem(case: str) -> None:
    facts, state, problem = NODES[case]
    status = assess([facts], UNSEEN).node("stan-0")
    assert (status.state.value, status.problem) == (state, problem)


@pytest.mark.parametrize(
    ("facts", "paused", "partitioned"),
    [
        (node("stan-0", STANDBY), False, False),
        (node("stan-0", STANDBY, "paused"), True, False),
        (node("stan-0", STANDBY, routes=False), False, True),
        (node("stan-0", STANDBY, clients=False), False, True),
        (node("stan-0", ACTIVE, "paused", routes=False), True, True),
        (node("stan-0", ACTIVE, "exited", exit_code=0, routes=False), False, False),
        (node("stan-0", status="created", routes=False), False, False),
    ],
)
def test_flags_are_of_nodes_that_run(facts: NodeFacts, paused: bool, partitioned: bool) -> None:
    status = assess([facts], UNSEEN).node("stan-0")
    assert (status.paused, status.partitioned) == (paused, partitioned)


A0, S1 = node("stan-0", ACTIVE), node("stan-1", STANDBY)
S0, A1 = node("stan-0", STANDBY), node("stan-1", ACTIVE)
MADE1 = node("stan-1", status="created")
DEAD0 = node("stan-0", ACTIVE, "exited", exit_code=137, recorded=True, served_at=at(5))
STOPPED1 = node("stan-1", STANDBY, "exited", exit_code=143)
FAILED1 = node("stan-1", STARTING, "exited", exit_code=1)
PAUSED0 = node("stan-0", ACTIVE, "paused", served_at=at(2))
PAUSED1 = node("stan-1", STANDBY, "paused")
ISOLATED0 = node("stan-0", ACTIVE, clients=False, routes=False, served_at=at(2))
UNROUTED0, UNROUTED1 = node("stan-0", ACTIVE, routes=False), node("stan-1", STANDBY, routes=False)
NATS_LOST = "Unable to send FT heartbeat: nats: outbound buffer limit exceeded"
NATSLESS0 = node("stan-0", ACTIVE, nats_lost=NATS_LOST, served_at=at(2))
NATSLESS1 = node("stan-1", STANDBY, nats_lost=NATS_LOST)
HELD0, HELD1 = held_by("stan-0"), held_by("stan-1")
STRANGER = LockFacts(visible=True, stranger="process 7")
GROUPS: dict[str, tuple[list[NodeFacts], LockFacts, str, str | None]] = {
    # the nodes, the lock; the group's state, its active node
    "no node": ([], UNSEEN, "down", None),
    "nodes that never ran": ([MADE1], UNSEEN, "down", None),
    "nodes that ended": ([DEAD0, STOPPED1], FREE, "down", None),
    "first start": ([node("stan-0", STARTING), node("stan-1")], FREE, "starting", None),
    "first start, all stand by": ([S0, S1], FREE, "starting", None),
    "first start, one made": ([S0, MADE1], FREE, "starting", None),
    "two active": ([A0, A1], UNSEEN, "split-brain", None),
    "two active, one paused": ([PAUSED0, A1], HELD1, "split-brain", "stan-1"),
    "two active, one cut off": ([ISOLATED0, A1], UNSEEN, "split-brain", "stan-1"),
    "first recovery": ([node("stan-0", RECOVERING), S1], HELD0, "recovering", None),
    "recovery after a failover": ([DEAD0, node("stan-1", RECOVERING)], HELD1, "recovering", None),
    "active paused": ([PAUSED0, S1], HELD0, "blocked", None),
    "active paused, lock unseen": ([PAUSED0, S1], UNSEEN, "blocked", None),
    "paused while it recovered": ([node("stan-0", RECOVERING, "paused"), S1], HELD0, "blocked", None),
    "paused with the lock, as the kernel says": ([S0, PAUSED1], HELD1, "blocked", None),
    "active isolated": ([ISOLATED0, S1], HELD0, "blocked", None),
    "active without its NATS server": ([NATSLESS0, S1], HELD0, "blocked", None),
    "active without its NATS server, lock unseen": ([NATSLESS0, S1], UNSEEN, "blocked", None),
    "standby without its NATS server": ([A0, NATSLESS1], HELD0, "degraded", "stan-0"),
    "no node has the NATS server": ([NATSLESS0, NATSLESS1], HELD0, "blocked", None),
    "active killed, standby without its NATS server": ([DEAD0, NATSLESS1], FREE, "blocked", None),
    "lock held by a stranger": ([S0, S1], STRANGER, "blocked", None),
    "only a paused standby runs": ([DEAD0, PAUSED1], FREE, "blocked", None),
    "active killed": ([DEAD0, S1], FREE, "failover", None),
    "active killed, lock unseen": ([DEAD0, S1], UNSEEN, "failover", None),
    "active killed, the other starts": ([DEAD0, node("stan-1", STARTING)], UNSEEN, "failover", None),
    "one active, one stopped": ([A0, STOPPED1], HELD0, "degraded", "stan-0"),
    "one active, one failed": ([A0, FAILED1], HELD0, "degraded", "stan-0"),
    "one active, one made": ([A0, MADE1], HELD0, "degraded", "stan-0"),
    "one active, one starting": ([A0, node("stan-1", STARTING)], UNSEEN, "degraded", "stan-0"),
    "one active, standby paused": ([A0, PAUSED1], UNSEEN, "degraded", "stan-0"),
    "one active, standby cut off": ([A0, UNROUTED1], UNSEEN, "degraded", "stan-0"),
    "active cut off from its standby": ([UNROUTED0, S1], UNSEEN, "degraded", "stan-0"),
    "one active, one standby": ([A0, S1], HELD0, "healthy", "stan-0"),
    "one active, two standbys": ([A0, S1, node("stan-2", STANDBY)], UNSEEN, "healthy", "stan-0"),
    "a single node": ([A0], UNSEEN, "healthy", "stan-0"),
}


def test_a_lost_nats_server_is_named_with_the_log_line() -> None:
    plan = replace(NATSLESS0.instance.plan, streaming={"nats_server_url": "nats://n:4222"})
    cut = replace(NATSLESS0, instance=replace(NATSLESS0.instance, plan=plan))
    status = assess([cut, S1], HELD0)
    assert status.problem == (
        "stan-0 has lost the NATS server nats://n:4222 and keeps the store lock; start that server again, or "
        f"make it reachable ({NATS_LOST})"
    )
    assert status.node("stan-0").problem == f"it has lost the NATS server nats://n:4222 ({NATS_LOST})"


@pytest.mark.parametrize("case", GROUPS)
def test_a_groups_state_and_active_node(case: str) -> None:
    facts, lock, state, active = GROUPS[case]
    for order in (facts, facts[::-1]):
        status = assess(order, lock)
        assert (status.state.value, status.active) == (state, active)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (node("stan-0", None, "paused"), "active"),
        (node("stan-0", None, clients=False), "active"),
        (node("stan-0", None, "paused", monitor="FT_STANDBY"), "standby"),
        (node("stan-0", RECOVERING, "paused"), "recovering"),
        (node("stan-0"), "starting"),  # whether it serves is for its log or its monitor to say
        (node("stan-1", None, "paused"), "starting"),
        (node("stan-1", None, "paused", monitor="FT_ACTIVE"), "active"),
    ],
)
def test_an_unreachable_node_with_the_lock_was_active(facts: NodeFacts, state: str) -> None:
    [status] = assess([facts], HELD0).nodes
    assert (status.state.value, status.serves) == (state, False)


@pytest.mark.parametrize(
    ("facts", "lock", "state"),
    [
        (node("stan-1", None, "paused", kept_from=at(9)), HELD0, "standby"),
        (node("stan-1", None, clients=False, kept_from=at(9)), HELD0, "standby"),
        (node("stan-1", None, "paused", kept_from=at(9)), FREE, "standby"),
        (node("stan-1", None, "paused", kept_from=at(9)), UNSEEN, "starting"),
        (node("stan-0", None, "paused", kept_from=at(9)), HELD0, "active"),
        (node("stan-1", None, kept_from=at(9)), HELD0, "starting"),  # it can be asked
        (restarted(node("stan-1", None, "paused", kept_from=at(9))), HELD0, "starting"),
    ],
)
def test_an_unreachable_node_without_the_lock_was_a_standby_once_it_has_written_much(
    facts: NodeFacts, lock: LockFacts, state: str
) -> None:
    [status] = assess([facts], lock).nodes
    assert status.state.value == state


def test_a_frozen_standby_alone_blocks_the_group_even_without_its_log() -> None:
    frozen = node("stan-1", None, "paused", kept_from=at(9))
    status = assess([node("stan-0", ACTIVE, "exited", exit_code=137, recorded=True), frozen], FREE)
    assert status.state is GroupState.BLOCKED
    assert status.problem == "no node that runs can take over; unpause or start one"


def test_every_state_is_in_the_tables() -> None:
    assert {state for _, state, _ in NODES.values()} == {state.value for state in NodeState}
    assert {state for _, _, state, _ in GROUPS.values()} == {state.value for state in GroupState}


@pytest.mark.parametrize(
    ("facts", "lock", "problem"),
    [
        (
            [node("stan-0", ACTIVE, "paused"), node("stan-1", STANDBY, busy=BUSY)],
            held_by("stan-0"),
            f"stan-0 is paused and keeps the store lock; unpause or kill it ({BUSY})",
        ),
        (
            [node("stan-0", ACTIVE, clients=False), S1],
            UNSEEN,
            "stan-0 is cut off and keeps the store lock; heal or kill it",
        ),
        (
            [node("stan-0", STANDBY), S1],
            STRANGER,
            "process 7, which is not of this group, holds the store lock; end it",
        ),
        (
            [DEAD0, node("stan-1", STANDBY, "paused")],
            FREE,
            "no node that runs can take over; unpause or start one",
        ),
        (
            [A0, node("stan-1", ACTIVE, "paused")],
            UNSEEN,
            "stan-0 and stan-1 are both active over one store: the lock of one of them was not honoured; "
            "stop the one that was paused or cut off",
        ),
        ([A0, node("stan-1", STANDBY, "paused")], UNSEEN, None),
        ([DEAD0, S1], FREE, None),
    ],
)
def test_blocked_and_split_brain_say_why(
    facts: list[NodeFacts], lock: LockFacts, problem: str | None
) -> None:
    assert assess(facts, lock).problem == problem


@pytest.mark.parametrize(
    ("facts", "lock", "holder"),
    [
        ([A0, S1], held_by("stan-0"), "stan-0"),
        ([A0, S1], UNSEEN, "stan-0"),
        ([node("stan-0", RECOVERING), S1], UNSEEN, "stan-0"),
        ([A0, node("stan-1", ACTIVE)], UNSEEN, None),
        ([A0, node("stan-1", ACTIVE)], held_by("stan-1"), "stan-1"),
        ([A0, S1], FREE, None),  # the kernel knows better: the lock file was replaced
        ([A0, S1], STRANGER, None),
        ([DEAD0, S1], UNSEEN, None),
    ],
)
def test_the_lock_holder_is_the_kernels_and_only_unseen_the_logs(
    facts: list[NodeFacts], lock: LockFacts, holder: str | None
) -> None:
    assert assess(facts, lock).lock_holder == holder


def test_an_active_node_that_has_ended_served_until_its_end() -> None:
    restarted = replace(node("stan-1", STANDBY), log=LogFacts(STANDBY))
    restarted = replace(restarted, instance=replace(restarted.instance, started_at=at(8)))
    ended = node("stan-0", ACTIVE, "exited", exit_code=137, recorded=True, served_at=at(2))
    assert assess([ended, restarted], FREE).state is GroupState.FAILOVER


def test_a_node_whose_log_was_rotated_away_served_until_its_end_if_its_monitor_said_active() -> None:
    ended = node("stan-0", None, "exited", exit_code=137, recorded=True, monitor="FT_ACTIVE")
    assert assess([ended, S1], FREE).state is GroupState.FAILOVER
    assert assess([replace(ended, monitor="FT_STANDBY"), S1], FREE).state is GroupState.STARTING


def test_nodes_that_were_started_after_the_last_service_are_starting() -> None:
    ended = node("stan-0", STARTING, "exited", exit_code=1, served_at=at(2))
    late = node("stan-1", STANDBY)
    late = replace(late, instance=replace(late.instance, started_at=at(20)))
    assert assess([ended, late], FREE).state is GroupState.STARTING


@pytest.mark.parametrize(("planned", "state"), [(1, "healthy"), (2, "degraded")])
def test_a_node_that_the_engine_does_not_have_is_no_standby(planned: int, state: str) -> None:
    """Its container was removed from outside; the next `up` makes it again."""
    alone = node("stan-0", ACTIVE)
    status = assess([replace(alone, instance=replace(alone.instance, plan=group_plan(planned)))], FREE)
    assert (status.state.value, status.active) == (state, "stan-0")


def test_the_servers_version_is_what_some_log_says() -> None:
    silent, telling = A0, replace(S1, log=LogFacts(STANDBY, version="0.25.6"))
    assert assess([silent, telling], UNSEEN).server_version == "0.25.6"
    assert assess([silent], UNSEEN).server_version is None
    asked = replace(silent, monitor_version="0.25.5")
    assert assess([asked], UNSEEN).server_version == "0.25.5"
    assert assess([asked, telling], UNSEEN).server_version == "0.25.5"


def test_a_node_that_is_not_there_is_no_nodes_state() -> None:
    with pytest.raises(KeyError):
        assess([A0], UNSEEN).node("stan-9")
