"""A reader of the tour, which is taken as the command does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from textual.pilot import Pilot

from stanlocal import tui
from stanlocal.api import FTGroup
from stanlocal.tui import Notices
from stanlocal.tui.app import StanlocalApp
from stanlocal.tui.tour.guide import Guide, Progress
from stanlocal.tui.tour.pane import TourPane
from stanlocal.tui.tour.screen import TourScreen
from tests.tui.conftest import WIDE, until


def tour_app(lesson: int) -> StanlocalApp:
    """The tour at that lesson, over a group that is there."""
    group = FTGroup(group="ft")
    screen = TourScreen(group, Guide(Progress(lesson, frozenset(range(1, lesson)))), asyncio.sleep(0))
    app = StanlocalApp(group, Notices(), main=screen)
    app.animation_level = "none"
    return app


async def take(
    group: FTGroup,
    act: Callable[[Pilot[Any]], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
    *,
    lesson: int | None = None,
    size: tuple[int, int] = WIDE,
) -> None:
    """Take the tour; `act` is the reader, and ends it."""

    async def reads(pilot: Pilot[Any]) -> None:
        await act(pilot)
        await until(pilot, lambda: not pilot.app.is_running)

    headless = partial(StanlocalApp.run_async, headless=True, size=size, auto_pilot=reads)
    with monkeypatch.context() as patch:
        patch.setattr(StanlocalApp, "run_async", lambda app: headless(app))
        await tui.take_tour(group, Notices(), lesson=lesson)


def pane(pilot: Pilot[Any]) -> TourPane:
    """The tour's pane, also while a dialog is in front of it."""
    return pilot.app.screen_stack[0].query_one(TourPane)


async def until_said(pilot: Pilot[Any], *texts: str, timeout: float = 60.0) -> None:
    """Return once the lesson says all of that; what it says instead is in the error."""
    try:
        await until(pilot, lambda: all(text in pane(pilot).text.plain for text in texts), timeout=timeout)
    except TimeoutError:
        raise AssertionError(f"{texts} is not in:\n{pane(pilot).text.plain}") from None
