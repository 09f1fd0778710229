"""Pictures of the screen; `pytest tests/tui/test_snapshots.py --snapshot-update` updates the pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot

from stanlocal.model.states import GroupState
from stanlocal.tui.app import StanlocalApp
from stanlocal.tui.themes import THEMES
from tests.tui.conftest import until_shown
from tests.tui.picture import PICTURE, take
from tests.tui.telling import StoryFeed, all_there, story_app
from tests.tui.test_controller import open_form

SIZES = [(80, 24), (120, 40), (200, 60)]


class Compare(Protocol):
    def __call__(self, app: StanlocalApp, **how: Any) -> bool: ...


@pytest.fixture(autouse=True)
def _times_are_those_of_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(autouse=True)
def _a_story_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stanlocal.tui.screens.main.Feed", StoryFeed)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
def test_a_group_after_a_failover(theme: str, size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(story_app(theme), terminal_size=size, run_before=all_there)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
def test_the_timeline_of_a_failover(theme: str, size: tuple[int, int], snap_compare: Compare) -> None:
    async def press(pilot: Pilot[None]) -> None:
        await all_there(pilot)
        await pilot.press("5")
        await until_shown(pilot, " events")
        await pilot.pause()

    assert snap_compare(story_app(theme), terminal_size=size, run_before=press)


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_blocked_group_says_why(
    size: tuple[int, int], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StoryFeed, "story", "pause-then-kill")
    monkeypatch.setattr(StoryFeed, "until", GroupState.BLOCKED)
    assert snap_compare(story_app(), terminal_size=size, run_before=all_there)


def test_a_lost_engine_is_a_state(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StoryFeed, "engine_lost", "docker does not answer; see 'stanlocal doctor'")
    assert snap_compare(story_app(), terminal_size=SIZES[0], run_before=all_there)


@pytest.mark.parametrize("key", ["k", "f", "K", "d", "D", "u", "question_mark"])
def test_dialogs_fit_the_smallest_screen(key: str, snap_compare: Compare) -> None:
    async def press(pilot: Pilot[None]) -> None:
        await all_there(pilot)
        await pilot.press(key)
        await pilot.pause()

    assert snap_compare(story_app(), terminal_size=SIZES[0], run_before=press)


def test_the_form_of_a_fault_fits_the_smallest_screen(snap_compare: Compare) -> None:
    async def press(pilot: Pilot[None]) -> None:
        await all_there(pilot)
        await pilot.press("f")
        await open_form(pilot, "slow-network")
        await pilot.press("shift+tab", *"soon", "enter")
        await until_shown(pilot, "is not a duration")
        await pilot.pause()

    assert snap_compare(story_app(), terminal_size=SIZES[0], run_before=press)


def test_read_only_says_so(snap_compare: Compare) -> None:
    assert snap_compare(story_app(read_only=True), terminal_size=SIZES[0], run_before=all_there)


def test_the_picture_in_the_documentation_is_how_it_looks() -> None:
    """Updated by 'python -m tests.tui.picture'."""
    assert PICTURE.read_text() == take()
