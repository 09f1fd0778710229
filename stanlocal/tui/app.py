"""The application: the group that it shows, its themes and keys, and the first screen."""

from __future__ import annotations

from textual.app import App
from textual.screen import Screen

from stanlocal.api import FTGroup
from stanlocal.tui.notices import Notices
from stanlocal.tui.screens.main import MainScreen


class StanlocalApp(App[None]):
    """One group in a terminal."""

    TITLE = "stanlocal"
    CSS_PATH = "stanlocal.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - textual's own declaration

    def __init__(self, group: FTGroup, notices: Notices, *, read_only: bool = False) -> None:
        super().__init__()
        self.group = group
        self.notices = notices
        self.read_only = read_only

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(self.group, read_only=self.read_only)
