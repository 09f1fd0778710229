"""The terminal interface: shows a group live, and acts on it by key."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from stanlocal.api import core_of
from stanlocal.util.tasks import beside

if TYPE_CHECKING:
    from stanlocal.api import FTGroup
    from stanlocal.tui.app import StanlocalApp


_FULL_AFTER = 200
"""Collections of the middle generation; usually 10. Lines and messages live just long enough to be taken for
something that stays: with thousands a second it would look at everything every 3 s, for 0.2 s."""


def collect_seldom() -> None:
    """Has it leave out what is there now, modules above all, and look at all the rest less often.

    For the whole process; to be called when what stays is loaded.
    """
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _FULL_AFTER)
    gc.freeze()


class Notices:
    """Hand it to an `FTGroup` as `report` and `note`; whoever listens gets the lines, from any thread."""

    def __init__(self) -> None:
        self._early: list[str] = []
        self._listener: Callable[[str], object] = self._early.append

    def __call__(self, line: str) -> None:
        self._listener(line)

    def listen(self, listener: Callable[[str], object]) -> None:
        """From now on `listener` is told; also of what was said before."""
        self._listener = listener
        for line in self._early:
            listener(line)
        self._early.clear()


__all__ = ["Notices", "run"]

_PARENT_LOOK_S = 1.0


async def run(group: FTGroup, notices: Notices, *, read_only: bool = False, served: bool = False) -> None:
    """Shows the group until the user quits, and leaves it as it is then.

    `served`: the parent process shows what is drawn; without it there is nobody to quit, so it ends too.
    Raises what `core_of` raises before the screen is taken, and `SettingsError` for a keys file that
    cannot be used.
    """
    from stanlocal.tui import preferences

    path, chosen = preferences.load()
    await core_of(group)
    from stanlocal.tui import collect_seldom
    from stanlocal.tui.app import StanlocalApp

    if chosen.theme or chosen.keys:
        from stanlocal.tui.keys import check

        check(path, chosen)
    from stanlocal.tui.terminal import TerminalDriver

    driver = None if served else TerminalDriver
    app = StanlocalApp(group, notices, read_only=read_only, chosen=chosen, driver_class=driver)
    collect_seldom()
    try:
        async with AsyncExitStack() as stack:
            if served:
                await stack.enter_async_context(beside(_end_with_parent(app)))
            await app.run_async()
    finally:
        try:
            await app.finish()
        finally:
            await group.close()


async def _end_with_parent(app: StanlocalApp) -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - nobody tells a process that it has become an orphan
        await asyncio.sleep(_PARENT_LOOK_S)
    app.exit()
