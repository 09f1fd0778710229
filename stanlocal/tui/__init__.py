"""The terminal interface: a group seen live, broken and mended by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stanlocal.tui.notices import Notices

if TYPE_CHECKING:
    from stanlocal.api import FTGroup

__all__ = ["Notices", "run"]


async def run(group: FTGroup, notices: Notices, *, read_only: bool = False) -> None:
    """Shows the group until the user quits, and leaves it as it is then.

    Raises what `FTGroup.core` raises before the screen is taken, and `SettingsError` for a keys file that
    cannot be used.
    """
    from stanlocal.tui import preferences

    path, chosen = preferences.load()
    await group.core()
    from stanlocal.tui.app import StanlocalApp
    from stanlocal.tui.collector import collect_seldom

    if chosen.theme or chosen.keys:
        from stanlocal.tui.keys import check

        check(path, chosen)
    app = StanlocalApp(group, notices, read_only=read_only, chosen=chosen)
    collect_seldom()
    try:
        await app.run_async()
    finally:
        try:
            await app.finish()
        finally:
            await group.close()
