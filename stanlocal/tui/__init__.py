"""The terminal interface: shows a group live, and acts on it by key."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from stanlocal.api import core_of
from stanlocal.tui.notices import Notices
from stanlocal.util.tasks import beside

if TYPE_CHECKING:
    from stanlocal.api import FTGroup
    from stanlocal.tui.app import StanlocalApp

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
    from stanlocal.tui.app import StanlocalApp
    from stanlocal.tui.collector import collect_seldom

    if chosen.theme or chosen.keys:
        from stanlocal.tui.keys import check

        check(path, chosen)
    from stanlocal.tui.terminal_driver import TerminalDriver

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
