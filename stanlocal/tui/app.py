"""The application: the group that it shows, its themes and keys, and the first screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import App
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen

from stanlocal.api import FTGroup
from stanlocal.tui import Notices
from stanlocal.tui.messages import Said
from stanlocal.tui.preferences import Preferences
from stanlocal.tui.screens.main import WIDE_FROM, MainScreen
from stanlocal.tui.screens.start import StartScreen
from stanlocal.tui.terminal import PrintableLines
from stanlocal.tui.themes import THEMES
from stanlocal.util.printable import printable

if TYPE_CHECKING:
    from stanlocal.tui.palette import Palette


def _palette() -> type[Palette]:
    from stanlocal.tui.palette import Palette  # seldom needed, and not at the start

    return Palette


class StanlocalApp(App[None]):
    """One group in a terminal."""

    TITLE = "stanlocal"
    CSS_PATH = "stanlocal.tcss"
    COMMANDS = {_palette}  # noqa: RUF012 - textual's own declaration
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE_FROM, "-wide")]  # noqa: RUF012 - textual's own declaration

    def __init__(
        self,
        group: FTGroup,
        notices: Notices,
        *,
        read_only: bool = False,
        chosen: Preferences = Preferences(),  # noqa: B008 - it is frozen
        driver_class: type[Driver] | None = None,
        main: MainScreen | None = None,
    ) -> None:
        """`main`: the main screen, if it is not that of a live group."""
        super().__init__(driver_class=driver_class)
        self.animation_level = "none"  # animations delay the effect of a key
        self._notices = notices
        self._printable = PrintableLines()
        self._main = main or MainScreen(group, read_only=read_only, keys=chosen.keys)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = chosen.theme or THEMES[0].name
        self.set_keymap({**chosen.keys})

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._printable]

    def get_default_screen(self) -> Screen[None]:
        return self._main

    async def action_quit(self) -> None:
        """End the interface; a running drill and timed faults are ended and healed first.

        Otherwise the group stays as it is.
        """
        self.run_worker(self._quit(), name="quit", group="quit", exclusive=True)

    async def _quit(self) -> None:
        for line in self._main.unfinished():
            self.notify(line, markup=False)
        ended = await self._main.end()
        self.exit(message=Text("\n".join(map(printable, ended))) if ended else None)

    async def finish(self) -> Sequence[str]:
        """End what still acts on the group, also when the screen is gone; return a line for each action."""
        return await self._main.finish()

    def on_mount(self) -> None:
        self._notices.listen(lambda line: self.post_message(Said(line)))

    def on_said(self, message: Said) -> None:
        """Show the line in the start dialog if that is open, else on the main screen."""
        if isinstance(self.screen, StartScreen):
            self.screen.show_progress(message.line)
        else:
            self._main.say(message.line)
