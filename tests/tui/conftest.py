"""The terminal interface over a group on the fake machine.

Tests ask for `ft_group`, bring it up with `world.up()`, and run `app(ft_group)`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from stanlocal import tui
from stanlocal.api import FTGroup, group_over
from stanlocal.engine.base import Engine
from stanlocal.group.resources import Resources
from stanlocal.lifecycle.opener import GroupOpener
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import NodeStatus
from stanlocal.tui import Notices
from stanlocal.tui.app import StanlocalApp
from tests.support.world import NAME, World, world
from tests.tui.pace import brisk, draw, drawn

__all__ = ["world"]

WIDE = (120, 40)
NARROW = (80, 24)


@pytest.fixture(autouse=True)
def _engine_is_asked_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stanlocal.tui.feed._RETRY_S", 0.005)


_looks: dict[Screen[Any], str] = {}
"""The text of a screen since it last changed."""
_looks_are_kept = False
"""Whether it is noticed that a screen changes: tests elsewhere use this module without its fixtures."""


@pytest.fixture(autouse=True)
def _interface_is_brisk(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Lets keys, styles and drawing take little time; a screen that has not changed is not read again."""
    monkeypatch.setattr(f"{__name__}._looks_are_kept", True)
    with brisk(_looks.clear, eager="snap_compare" in request.fixturenames):
        yield
    _looks.clear()


@pytest.fixture(autouse=True)
def _outcomes_are_observed_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake's servers take milliseconds to take over."""
    monkeypatch.setattr("stanlocal.faults.expectation.NO_TAKEOVER_S", 0.02)


@pytest.fixture(autouse=True)
def _figures_are_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake's servers have no processes and listen nowhere."""

    async def measure(engine: Engine, plan: GroupPlan, nodes: Sequence[NodeStatus]) -> dict[str, Resources]:
        running = [node for node in nodes if node.instance.running]
        return {node.name: Resources(0.05, 20 << 20, 3, len(running) - 1) for node in running}

    monkeypatch.setattr("stanlocal.tui.feed.measure", measure)


@pytest.fixture
async def ft_group(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FTGroup]:
    """A group on the fake machine; `world.up()` brings it up."""
    monkeypatch.chdir(world.folder)
    # The fake's servers write nothing: the store may stay root's where the tests run as root.
    user = f"{os.getuid()}:{os.getgid()}"
    group = group_over(GroupOpener({"group": NAME}, engine=world.engine, home=world.home, user=user))
    yield group
    await group.close()


async def until(pilot: Pilot[None], reached: Callable[[], bool], *, timeout: float = 60.0) -> None:
    """Lets the app go on until `reached` holds; `TimeoutError` when it never does.

    Not by the pilot's own pause: that waits for every widget, for half a minute for one that is just removed.
    """
    async with asyncio.timeout(timeout):
        while True:
            began = time.perf_counter()
            if reached():
                draw(pilot.app)
                return
            looking = time.perf_counter() - began
            await asyncio.sleep(max(0.005, 2 * looking))  # looking must not keep the app from going on


async def press_to_ask(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys of which the last asks for something; return once the dialog takes keys itself.

    Before that a key belongs to the screen below: what a fault would do is found out first.
    """
    below = len(pilot.app.screen_stack)
    await pilot.press(*keys)
    await until(pilot, lambda: len(pilot.app.screen_stack) > below and pilot.app.screen.focused is not None)


def app(group: FTGroup, *, read_only: bool = False) -> StanlocalApp:
    made = StanlocalApp(group, Notices(), read_only=read_only)
    made.animation_level = "none"
    return made


def shown(pilot: Pilot[None]) -> str:
    """Return the text on the screen, dialogs and what they are in front of; gaps between texts are left out.

    Tests call it again and again: it is read from the screen when this has changed only.
    """
    screen = pilot.app.screen
    if screen not in _looks or not _looks_are_kept:
        strips = drawn(pilot.app)
        rows = ("".join(segment.text for segment in strip if segment.text.strip(" ")) for strip in strips)
        _looks[screen] = "\n".join(row.replace("\xa0", " ") for row in rows if row)
    return _looks[screen]


async def until_shown(pilot: Pilot[None], text: str, *, broken: bool = False) -> None:
    """Waits until the text is on the screen; what is there instead is in the error.

    With `broken` its lines may be broken anywhere, also in the middle of a word.
    """

    def squeezed(said: str) -> str:
        return "".join(said.split()) if broken else said

    try:
        await until(pilot, lambda: squeezed(text) in squeezed(shown(pilot)))
    except TimeoutError:
        raise AssertionError(f"{text!r} is not on the screen:\n{shown(pilot)}") from None


@asynccontextmanager
async def running(
    group: FTGroup, *, size: tuple[int, int] = WIDE, read_only: bool = False
) -> AsyncIterator[Pilot[None]]:
    """The app on a group that is up, once all its panes are there."""
    async with piloted(app(group, read_only=read_only), size=size) as pilot:
        await until_shown(pilot, " Faults")
        yield pilot


@asynccontextmanager
async def piloted(app: StanlocalApp, *, size: tuple[int, int] = WIDE) -> AsyncIterator[Pilot[None]]:
    """The app, from its first moment; it is ended as users end it, and not in the middle of something."""
    async with app.run_test(size=size, notifications=True) as pilot:
        yield pilot
        await app.action_quit()
        await until(pilot, lambda: not app.is_running)


async def ended_from_outside(
    group: FTGroup, act: Callable[[Pilot[Any]], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows the group as the command does, and once `act` is done ends the interface as SIGTERM does."""
    acted = asyncio.Event()

    async def pilot_acts(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, " Faults")
        await act(pilot)
        acted.set()

    headless = partial(StanlocalApp.run_async, headless=True, size=WIDE, auto_pilot=pilot_acts)
    monkeypatch.setattr(StanlocalApp, "run_async", lambda app: headless(app))
    showing = asyncio.create_task(tui.run(group, Notices()))
    await asyncio.wait({showing, waiting := asyncio.create_task(acted.wait())}, return_when="FIRST_COMPLETED")
    waiting.cancel()
    showing.cancel()
    await asyncio.wait({showing})
    if not showing.cancelled():
        showing.result()
