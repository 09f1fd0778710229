"""The terminal interface: shows a group live, and acts on it by key."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from stanlocal.api import core_of
from stanlocal.util.tasks import beside

if TYPE_CHECKING:
    from textual.driver import Driver

    from stanlocal.api import FTGroup
    from stanlocal.tui.app import StanlocalApp
    from stanlocal.tui.preferences import Preferences


_FULL_AFTER = 200
"""Collections of the middle generation before a full one; Python's default is 10. Lines and messages live
just long enough for the oldest generation: with thousands a second, a full collection would stop the screen
for 0.2 s every 3 s."""


def collect_seldom() -> None:
    """Exclude all present objects, mostly modules, from garbage collection; collect the others less often.

    It changes the whole process; call it once the long-lived objects are loaded.
    """
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _FULL_AFTER)
    gc.freeze()


class Notices:
    """Lines that the group writes for people, which must not be written over the screen.

    An instance is what `FTGroup` takes as `report` and `note`; its listener gets the lines, from any thread.
    """

    def __init__(self) -> None:
        self._early: list[str] = []
        self._listener: Callable[[str], object] = self._early.append

    def __call__(self, line: str) -> None:
        self._listener(line)

    def listen(self, listener: Callable[[str], object]) -> None:
        """Pass on every line to `listener`, the earlier ones first."""
        self._listener = listener
        for line in self._early:
            listener(line)
        self._early.clear()


__all__ = ["Notices", "replay_drill", "run", "take_tour"]

_PARENT_CHECK_S = 1.0


async def run(group: FTGroup, notices: Notices, *, read_only: bool = False, served: bool = False) -> None:
    """Show the group until the user quits; the group stays as it is then.

    With `served` the parent process displays the screen, and the interface ends with it. Raises what
    `core_of` raises before the screen is taken, and `SettingsError` for invalid preferences.
    """
    chosen = _preferences()
    await core_of(group)
    from stanlocal.tui.app import StanlocalApp

    app = StanlocalApp(group, notices, read_only=read_only, chosen=chosen, driver_class=_driver(served))
    try:
        await _show(app, served)
    finally:
        await group.close()


async def replay_drill(ledger: Path, *, served: bool = False) -> None:
    """Show the drill in the ledger again, on a clock of its own, until the user quits.

    Raises `LedgerError` when the file is not a drill's ledger, and what `run` raises for preferences.
    """
    from stanlocal.drill import judged

    chosen = _preferences()
    outcome = await asyncio.to_thread(judged, ledger)
    from stanlocal.tui.app import StanlocalApp
    from stanlocal.tui.replay.screen import ReplayScreen

    screen = ReplayScreen(outcome, chosen.keys)
    app = StanlocalApp(
        screen.group, Notices(), read_only=True, chosen=chosen, driver_class=_driver(served), main=screen
    )
    await _show(app, served)


async def take_tour(
    group: FTGroup,
    notices: Notices,
    *,
    lesson: int | None = None,
    served: bool = False,
    ending: Callable[[str], object] = lambda line: None,
) -> None:
    """Show the tour on a scratch group, which is brought up meanwhile and purged however the tour ends.

    It goes on where the reader left it, or at the given lesson, counted from 1. `ending` gets a line once
    the screen is closed. Raises what `run` raises, and, if the group does not start, what `up` raises.
    """
    chosen = _preferences()
    await core_of(group)
    from stanlocal.tui.app import StanlocalApp
    from stanlocal.tui.tour import progress_file
    from stanlocal.tui.tour.guide import Guide, Progress
    from stanlocal.tui.tour.screen import TourScreen

    saved = await asyncio.to_thread(progress_file.load)
    guide = Guide(saved.resumed() if lesson is None else Progress(lesson, saved.finished))
    async with AsyncExitStack() as stack:
        # A task of its own: the screen may be closed before the group is up.
        starting = asyncio.create_task(stack.enter_async_context(group))
        screen = TourScreen(group, guide, starting, keys=chosen.keys)
        app = StanlocalApp(group, notices, chosen=chosen, driver_class=_driver(served), main=screen)
        try:
            await _show(app, served)
        finally:
            ending("removing the tour's group")
            starting.cancel()
            await asyncio.wait([starting])
        if not starting.cancelled():
            starting.result()


def _preferences() -> Preferences:
    from stanlocal.tui import preferences

    path, chosen = preferences.load()
    if chosen.theme or chosen.keys:
        from stanlocal.tui.keys import check

        check(path, chosen)
    return chosen


def _driver(served: bool) -> type[Driver] | None:
    from stanlocal.tui.terminal import TerminalDriver

    return None if served else TerminalDriver


async def _show(app: StanlocalApp, served: bool) -> None:
    collect_seldom()
    try:
        async with AsyncExitStack() as stack:
            if served:
                await stack.enter_async_context(beside(_end_with_parent(app)))
            await app.run_async()
    finally:
        await app.finish()


async def _end_with_parent(app: StanlocalApp) -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - no event reports that the parent has ended
        await asyncio.sleep(_PARENT_CHECK_S)
    app.exit()
