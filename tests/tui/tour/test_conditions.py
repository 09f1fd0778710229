"""Conditions of lessons, over groups in all states."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stanlocal.history.failovers import Failover
from stanlocal.logs.line_patterns import parse
from stanlocal.logs.merge import NodeLine
from stanlocal.tui.tour import conditions as when
from stanlocal.tui.tour.conditions import Condition
from stanlocal.tui.tour.observed import Moment, Observed, Published, Since
from tests.support.facts import START, at
from tests.tui.tour.retold import document

HEALTHY = document("healthy", "a", a="active", b="standby")
KILLED = document("degraded", "b", a="stopped", b="active")
STANDBY_KILLED = document("degraded", "a", a="active", b="stopped")
FAILING_OVER = document("failover", None, a="stopped", b="standby")
PAUSED = document("blocked", None, a="active paused", b="standby")
STANDBY_PAUSED = document("degraded", "a", a="active", b="standby paused")
CUT = document("degraded", "a", a="active partitioned", b="standby")
TWO = document("split-brain", None, a="active partitioned", b="active")
DOWN = document("down", None)
STARTING = document("starting", None, a="starting", b="created")
LOCK_BUSY = (
    "[1] 2026/11/23 09:00:03.000000 [INF] STREAM: "
    "ft: unable to get store lock at this time, going back to standby"
)
FAILOVER = Failover("kill", "a", "b", at(1), at(1), at(2), at(2), at(2.1))


def since(group: object = None, **seen: object) -> Since:
    observed = Observed()
    observed.document = group  # type: ignore[assignment]
    for name, value in seen.items():
        setattr(observed, name, value)
    return Since(observed, Moment(START, 0.0))


@pytest.mark.parametrize(
    ("condition", "holds", "does_not"),
    [
        (when.healthy, [HEALTHY], [None, KILLED, PAUSED, STARTING]),
        (when.in_need, [KILLED, PAUSED, TWO, DOWN], [None, HEALTHY, STARTING, FAILING_OVER]),
        (when.unserved, [PAUSED, DOWN], [None, HEALTHY, KILLED, FAILING_OVER, TWO]),
        (when.only_a_standby_ended, [STANDBY_KILLED], [None, HEALTHY, FAILING_OVER, PAUSED]),
        (when.blocked, [PAUSED], [None, HEALTHY, STANDBY_PAUSED, DOWN]),
        (when.frozen_without_block, [STANDBY_PAUSED], [None, HEALTHY, PAUSED]),
        (when.cut, [CUT], [None, HEALTHY, PAUSED, TWO]),
        (when.two_active, [TWO], [None, HEALTHY, CUT]),
    ],
)
def test_a_state_of_the_group_is_recognized(
    condition: Condition, holds: list[object], does_not: list[object]
) -> None:
    assert [each for each in holds if not condition(since(each))] == []
    assert [each for each in does_not if condition(since(each))] == []


def test_a_failover_counts_once_the_group_says_so_too_and_only_if_it_is_new() -> None:
    assert when.failed_over(since(KILLED, failovers=[FAILOVER]))
    assert not when.failed_over(since(HEALTHY, failovers=[FAILOVER])), "the state is older than the failover"
    assert not when.failed_over(since(KILLED))
    earlier = replace(FAILOVER, ready_at=START - timedelta(seconds=1))
    assert not when.failed_over(since(KILLED, failovers=[earlier]))
    assert when.any_failover(since(HEALTHY, failovers=[earlier]))
    assert not when.any_failover(since(HEALTHY))


def test_a_standby_that_ended_is_no_hint_after_a_failover() -> None:
    assert not when.only_a_standby_ended(since(KILLED, failovers=[FAILOVER]))


def test_a_cut_has_no_effect_once_the_standby_has_tried_or_has_had_the_time_to() -> None:
    tried = [NodeLine("b", parse(LOCK_BUSY, at(3)), None)]
    assert not when.nothing_followed(since(CUT))
    assert when.nothing_followed(since(CUT, lines=tried))
    assert when.nothing_followed(since(CUT, seconds=when.WATCHED_S))
    assert not when.nothing_followed(since(HEALTHY, lines=tried, seconds=60.0)), "not cut any more"
    before = [NodeLine("b", parse(LOCK_BUSY.replace("09:00", "08:59"), at(-60)), None)]
    assert not when.nothing_followed(since(CUT, lines=before))


def test_the_keys_target_is_a_standby_or_whichever_node_is_active() -> None:
    assert when.standby_chosen(since(HEALTHY, target="b"))
    assert not when.standby_chosen(since(HEALTHY, target="a"))
    assert not when.standby_chosen(since(HEALTHY, target="@active"))
    assert when.active_chosen(since(HEALTHY, target="@active"))


def test_an_expired_lock_is_over_once_it_is_healed_to_the_end() -> None:
    """The group is healthy for a moment before the survivor is restarted."""
    assert when.settled(since(HEALTHY))
    assert not when.settled(since({**HEALTHY, "faults": [{"name": "expire-lock"}]}))
    assert when.settled(since({**HEALTHY, "faults": [{"name": "slow-network"}]}))
    assert not when.settled(since(TWO))


def test_a_publisher_has_gone_through_a_failover_once_its_ack_has_come() -> None:
    done, waiting = Published(stored=5), Published(stored=5, waits_s=1.2)

    def through(plain: Published, resending: Published) -> bool:
        return when.published_through(since(KILLED, failovers=[FAILOVER], plain=plain, resending=resending))

    assert through(done, done)
    assert not through(done, waiting)
    assert not through(waiting, done), "it has not given up yet what will fail"
    assert not through(done, Published())
    assert not when.published_through(since(KILLED, plain=done, resending=done))


def test_a_tab_is_open() -> None:
    assert when.opened("Timeline")(since(tab="Timeline"))
    assert not when.opened("Timeline")(since(tab="Logs"))
