"""An end of all nodes, and what serves next: a failover only where a fault ended the one that served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from stanlocal.history.failovers import FailoverTracker, find
from stanlocal.history.occurrences import Ended, Hit, Logged, Occurrence, of_records
from stanlocal.history.records import TakenDown
from stanlocal.logs import event_types as ev
from stanlocal.model.fault_record import FaultRecord
from tests.support.facts import at


def logged(seconds: float, node: str, event: ev.LogEvent) -> Occurrence:
    return Occurrence(at(seconds), node, Logged(event, "a line"))


def boot(seconds: float, node: str) -> Occurrence:
    return logged(seconds, node, ev.Boot("c", "0.25.6"))


def ready(seconds: float, node: str) -> Occurrence:
    return logged(seconds, node, ev.StreamingReady())


def stopping(seconds: float, node: str) -> Occurrence:
    return logged(seconds, node, ev.ShuttingDown())


def ended(seconds: float, node: str) -> Occurrence:
    return Occurrence(at(seconds), node, Ended(137, recorded=False))


def kill(seconds: float, node: str) -> Occurrence:
    fault = FaultRecord("f", "kill", (node,), {}, at(seconds), None, "", ends_run=True, leaves="ended")
    return Occurrence(at(seconds), node, Hit(replace(fault, effective=True, times={node: at(seconds)})))


FIRST = [boot(0, "t-0"), boot(0, "t-1"), ready(1, "t-0")]
AGAIN = [boot(20, "t-1"), boot(20, "t-0"), ready(21, "t-1")]


def transitions(*happened: Occurrence) -> list[tuple[str, str, str]]:
    return [(each.cause, each.from_node, each.to_node) for each in find(happened)]


def test_a_group_that_was_taken_down_and_brought_up_had_no_failover() -> None:
    record = TakenDown(at(11), {"t-0": at(10), "t-1": at(9)})
    assert transitions(*FIRST, *of_records([record]), *AGAIN) == []


def test_nodes_that_had_ended_before_the_down_change_nothing() -> None:
    assert transitions(*FIRST, kill(5, "t-0"), *of_records([TakenDown(at(11), {})]), *AGAIN) == []


def test_a_failover_has_its_cause_before_the_effect_of_the_fault_is_on_record() -> None:
    """The command that killed the node may write that it did later than another node takes over."""
    end = Occurrence(at(5), "t-0", Ended(137, recorded=True, fault="kill"))
    assert transitions(*FIRST, end, ready(6, "t-1")) == [("kill", "t-0", "t-1")]


@pytest.mark.parametrize("end", [stopping, ended], ids=["SIGTERM", "SIGKILL"])
def test_the_end_of_a_whole_group_that_no_fault_explains_is_no_failover(
    end: Callable[[float, str], Occurrence],
) -> None:
    """As when its machine was started anew, or all its containers were made again."""
    late = logged(11, "t-0", ev.RouteDown("t-1:6222", 1))  # of a server that is ending
    assert transitions(*FIRST, end(10, "t-0"), end(10, "t-1"), late, *AGAIN) == []


def test_a_standby_that_ran_on_takes_over() -> None:
    """A `down` that was interrupted ended the active, and left the standby."""
    assert transitions(*FIRST, stopping(10, "t-0"), ready(12, "t-1")) == [("unknown", "t-0", "t-1")]


def test_the_node_that_comes_back_first_does_not_hide_the_failover_to_a_standby() -> None:
    found = transitions(*FIRST, ended(10, "t-0"), boot(10.5, "t-0"), ready(12, "t-1"))
    assert found == [("exit 137", "t-0", "t-1")]


def test_a_fault_that_left_no_node_is_followed_by_its_failover() -> None:
    """The standby had been stopped before; it is started once the active was killed."""
    found = transitions(*FIRST, stopping(5, "t-1"), kill(10, "t-0"), ended(10, "t-0"), *AGAIN)
    assert found == [("kill", "t-0", "t-1")]


def test_failovers_before_and_after_a_down_stay() -> None:
    """Each is of one life of the group."""
    record = TakenDown(at(11), {"t-0": at(10), "t-1": at(9)})
    before = [*FIRST, kill(2, "t-0"), ended(2, "t-0"), ready(3, "t-1"), boot(4, "t-0")]
    after = [*AGAIN, kill(30, "t-1"), ended(30, "t-1"), ready(31, "t-0")]
    found = transitions(*before, *of_records([record]), *after)
    assert found == [("kill", "t-0", "t-1"), ("kill", "t-1", "t-0")]


def test_the_record_of_a_down_that_comes_late_changes_nothing_that_came_after() -> None:
    """A watch can read the journal after the lines of the next run."""
    *_, down = of_records([TakenDown(at(11), {"t-0": at(10)})])
    tracker = FailoverTracker()
    for occurrence in (ready(21, "t-1"), down, kill(30, "t-1")):
        assert tracker.observe(occurrence) is None
    assert tracker.observe(ready(31, "t-0")) is not None
