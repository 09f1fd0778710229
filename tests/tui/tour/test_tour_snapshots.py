"""Pictures of the tour; `pytest tests/tui/tour/test_tour_snapshots.py --snapshot-update` updates them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from stanlocal.model.states import GroupState
from tests.tui.conftest import NARROW, WIDE, until_shown
from tests.tui.telling import StoryFeed, all_there
from tests.tui.test_snapshots import Compare
from tests.tui.tour.reading import tour_app


@pytest.fixture(autouse=True)
def _nothing_varies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("stanlocal.tui.screens.main.Feed", StoryFeed)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_lesson_says_what_to_press(
    size: tuple[int, int], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StoryFeed, "at_first", True)

    async def read(pilot: Pilot[None]) -> None:
        await all_there(pilot)
        await until_shown(pilot, "Press k: the dialog says")
        await pilot.pause()

    assert snap_compare(tour_app(2), terminal_size=size, run_before=read)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_lesson_explains_what_came_of_it(
    size: tuple[int, int], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StoryFeed, "until", GroupState.DEGRADED)
    monkeypatch.setattr(StoryFeed, "at_first", True)

    async def read(pilot: Pilot[None]) -> None:
        await all_there(pilot)
        await until_shown(pilot, "Press 5: the timeline")
        await pilot.press("5")
        await until_shown(pilot, " events")
        await until_shown(pilot, "Press 4: the failovers")
        await pilot.pause()

    assert snap_compare(tour_app(7), terminal_size=size, run_before=read)
