"""The lessons as data: every text can be shown, and fits the smallest screen."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter

import pytest

from stanlocal.cli import tour as command
from stanlocal.tui.tabs import TABS
from stanlocal.tui.tour.facts import facts
from stanlocal.tui.tour.lessons import LESSONS, Lesson
from stanlocal.tui.tour.observed import Moment, Observed, Since
from tests.tui.tour.retold import KEYS, moments

_WIDTH = 76
"""Cells of a line in the pane at 80 columns."""


def texts(lesson: Lesson) -> Iterator[str]:
    for step in lesson.steps:
        yield step.ask
        yield from (outcome.why for outcome in step.outcomes)
        yield from (hint.text for hint in step.hints)


def names(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def known() -> set[str]:
    """Names of all facts that can be known at once, and of all keys."""
    *_, observed = moments("pause-then-kill")
    found = set(facts(Since(observed, Moment()), KEYS))
    return found | {"actives", "stuck"}


def test_there_are_as_many_lessons_as_the_command_says() -> None:
    assert len(LESSONS) == command._LESSONS


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.title)
def test_a_lesson_names_only_keys_and_facts_that_there_are(lesson: Lesson) -> None:
    unknown = {name for text in texts(lesson) for name in names(text)} - known()
    assert unknown == set()


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.title)
def test_every_lesson_says_what_to_press_and_explains_it_by_a_servers_line(lesson: Lesson) -> None:
    assert any("Press {key_" in step.ask for step in lesson.steps)
    assert any(outcome.says for step in lesson.steps for outcome in step.outcomes)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.title)
def test_texts_fit_the_smallest_screen(lesson: Lesson) -> None:
    """Four lines for an explanation, two for what to do."""
    given = dict.fromkeys(known(), "tour-1a2b-0") | {name: "10" for name in known() if "_" in name}
    given |= {f"key_{action.replace('.', '_')}": "k" for action in KEYS}
    for step in lesson.steps:
        assert all(len(outcome.why.format_map(given)) <= 4 * (_WIDTH - 8) for outcome in step.outcomes)
        asks = (step.ask, *(hint.text for hint in step.hints))
        assert all(len(ask.format_map(given)) <= 2 * (_WIDTH - 8) for ask in asks)


def test_lessons_wait_for_tabs_that_there_are() -> None:
    observed = Observed()
    waiting = [outcome.when for outcome in (step.outcomes[0] for step in LESSONS[-1].steps[1:])]
    for wanted in waiting:
        opened = []
        for tab in TABS:
            observed.tab = tab
            opened += [tab] if wanted(Since(observed, Moment())) else []
        assert len(opened) == 1
