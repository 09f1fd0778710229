"""The cause of a gap: what is known of failovers and faults is said, and nothing is blamed on nothing."""

from __future__ import annotations

from typing import Any

from stanlocal.history.failovers import Failover
from stanlocal.history.occurrences import Outage
from stanlocal.history.timeline import Event, EventType
from stanlocal.tui.causes import UNKNOWN, Causes
from tests.support.facts import at


def gap(begin: float, end: float) -> Outage:
    return Outage(at(begin), None, at(end))


def fault(second: float, kind: EventType, name: str, id_: str, *targets: str) -> Event:
    detail: dict[str, Any] = {"id": id_, "name": name, "targets": list(targets)}
    return Event(at(second), kind, targets[0], detail)


def test_a_pause_of_ones_own_is_the_cause_of_the_gap_it_made() -> None:
    causes = Causes()
    causes.learn([fault(10, "fault", "pause", "f1", "stan-0")])
    assert causes.of(gap(10, 15)) == "pause stan-0", "while it is in force"
    causes.learn([fault(14, "heal", "pause", "f1", "stan-0")])
    assert causes.of(gap(10, 14.2)) == "pause stan-0"
    assert causes.of(gap(13.9, 16)) == "pause stan-0"
    assert causes.of(gap(2, 3)) == UNKNOWN
    assert causes.of(gap(20, 21)) == UNKNOWN


def test_of_several_faults_the_last_counts_and_a_failover_more_than_any() -> None:
    causes = Causes()
    causes.learn(
        [fault(10, "fault", "isolate", "f1", "stan-0"), fault(11, "fault", "kill", "f2", "stan-0", "stan-1")]
    )
    assert causes.of(gap(10, 15)) == "kill stan-0 stan-1"
    causes.failovers = [Failover("kill", "stan-0", "stan-1", at(11), None, at(12), None, at(13))]
    assert causes.of(gap(10, 15)) == "kill: stan-0 → stan-1"


def test_a_replay_of_all_events_replaces_what_was_known_and_memory_is_bounded() -> None:
    causes = Causes()
    causes.learn([fault(number, "fault", "pause", f"f{number}", "stan-0") for number in range(2000)])
    assert len(causes._spans) == 500
    causes.learn([], replay=True)
    assert causes.of(gap(0, 5000)) == UNKNOWN
