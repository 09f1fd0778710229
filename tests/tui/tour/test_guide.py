"""The way through the lessons: what happens in real groups is noticed and explained, and kept for later."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.tui.tour.guide import Guide, Progress
from stanlocal.tui.tour.lessons import LESSONS
from stanlocal.tui.tour.observed import Observed
from tests.tui.tour.retold import KEYS, document, read

KILL, PAUSE, TIMELINE = 2, 3, 7


def test_a_killed_active_is_noticed_and_explained_by_the_servers_own_lines() -> None:
    learnt = read(Guide(Progress(KILL)), "kill")
    assert learnt.guide.step is None
    assert learnt.guide.progress == Progress(KILL, frozenset({KILL}))
    failover, healed = learnt.whys
    assert "ft-0's process ended" in failover
    assert "ft-1 missed the heartbeats" in failover
    assert healed.startswith("ft-0 is back, as a standby")
    assert learnt.says == [
        ["ft-1: Server is active", "ft-1: Streaming Server is ready"],
        ["ft-0: Starting in standby mode"],
    ]
    assert learnt.asked == [
        "Wait until the group is healthy.",
        "Press k: the dialog says what will happen. k again does it.",
        "Press h: it undoes every fault (S starts a node that no fault has ended).",
    ]


@pytest.mark.parametrize("story", ["stop", "crash"])
def test_another_end_of_the_active_node_counts_as_well(story: str) -> None:
    assert read(Guide(Progress(KILL)), story).guide.step is None


def test_a_paused_active_blocks_the_group_until_it_is_killed() -> None:
    learnt = read(Guide(Progress(PAUSE)), "pause-then-kill")
    blocked, freed = learnt.whys
    assert "a frozen process still has its lock, so ft-1 tries for it" in blocked
    assert freed.startswith("Only the end of its process frees the lock: ft-1 serves")
    assert learnt.says[0] == [
        "ft-1: ft: unable to get store lock at this time, going back to standby",
    ]
    assert "kill ft-0, frozen as it is" in learnt.asked[2]


def test_the_new_active_is_no_resumed_one_even_if_its_failover_is_not_known_yet() -> None:
    guide, observed = Guide(Progress(PAUSE)), Observed()
    for state in (
        document("healthy", "a", a="active", b="standby"),
        document("blocked", None, a="active paused", b="standby"),
        document("degraded", "b", a="stopped", b="active"),
    ):
        observed.document = state
        guide.look(observed, KEYS)
    assert [account.why[:7] for account in guide.accounts] == ["Blocked"]


def test_a_paused_active_that_is_resumed_instead_is_explained_as_that() -> None:
    learnt = read(Guide(Progress(PAUSE)), "pause-then-unpause")
    assert learnt.guide.step is None
    assert learnt.whys[1].startswith("ft-0 goes on as if nothing had been: no failover")


def test_what_happened_before_a_lesson_does_not_count_for_it() -> None:
    guide = Guide(Progress(1))
    learnt = read(guide, "kill")
    guide.go(1, learnt.observed)
    guide.look(learnt.observed, KEYS)
    assert guide.step is not None
    assert guide.accounts == []
    assert (guide.ask(learnt.observed, KEYS) or "").startswith("Press k")


def test_the_timeline_can_be_read_if_a_failover_was_seen_before() -> None:
    guide = Guide(Progress(TIMELINE))
    learnt = read(guide, "kill")
    assert (guide.ask(learnt.observed, KEYS) or "").startswith("Press 5")
    for tab in ("Timeline", "Failovers", "Faults"):
        learnt.observed.tab = tab
        guide.look(learnt.observed, KEYS)
    assert guide.step is None
    assert "ft-0 ended (kill); ft-1 took the lock" in learnt.whys[0]
    assert learnt.says[0] == ["ft-1: Server is active", "ft-1: Streaming Server is ready"]


def test_a_lesson_can_be_skipped_and_gone_back_to_and_begins_again() -> None:
    guide, observed = Guide(), Observed()
    observed.document = document("healthy", "a", a="active", b="standby")
    guide.look(observed, KEYS)
    assert len(guide.accounts) == 1
    guide.go(1, observed)
    assert (guide.progress.lesson, guide.accounts) == (2, [])
    guide.go(-1, observed)
    guide.go(-1, observed)
    assert guide.progress == Progress(1), "there is none before the first, and skipping finishes none"
    guide.look(observed, KEYS)
    assert len(guide.accounts) == 1


def test_after_the_last_lesson_comes_the_end_and_then_the_first() -> None:
    guide, observed = Guide(Progress(len(LESSONS))), Observed()
    guide.go(1, observed)
    assert (guide.lesson, guide.step, guide.ask(observed, KEYS)) == (None, None, None)
    guide.go(1, observed)
    assert guide.progress.lesson == 1


@pytest.mark.parametrize(
    ("left", "resumed"),
    [
        (Progress(), Progress()),
        (Progress(3, frozenset({1, 2})), Progress(3, frozenset({1, 2}))),
        (Progress(3, frozenset({3})), Progress(4, frozenset({3}))),
        (Progress(7, frozenset(range(1, 8))), Progress()),
        (Progress(8, frozenset({1})), Progress()),
    ],
)
def test_the_tour_goes_on_where_it_was_left(left: Progress, resumed: Progress) -> None:
    read_again = Progress.from_document(json.loads(json.dumps(left.document())))
    assert read_again == left
    assert read_again.resumed() == resumed


@pytest.mark.parametrize(
    "document",
    [None, 3, [], {}, {"lesson": 0, "finished": []}, {"lesson": 99, "finished": []}, {"lesson": 2}],
)
def test_a_place_that_cannot_be_read_is_the_beginning(document: Any) -> None:
    assert Progress.from_document(document) == Progress()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.sampled_from(["lesson", "finished", "x"]), each),
)


@given(JSON)
def test_any_document_gives_a_place_that_there_is(document: Any) -> None:
    place = Progress.from_document(document).resumed()
    assert 1 <= place.lesson <= len(LESSONS)
    assert Guide(place).step is not None
