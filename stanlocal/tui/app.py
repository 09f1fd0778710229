"""The application: the group that it shows, its themes and keys, and the first screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from rich.text import Text
from textual.app import App, SystemCommand
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


class StanlocalApp(App[None]):
    """One group in a terminal."""

    TITLE = "stanlocal"
    CSS_PATH = "stanlocal.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE_FROM, "-wide")]  # noqa: RUF012 - textual's own declaration

    def __init__(
        self,
        group: FTGroup,
        notices: Notices,
        *,
        read_only: bool = False,
        chosen: Preferences = Preferences(),  # noqa: B008 - it is frozen
        driver_class: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver_class=driver_class)
        self.animation_level = "none"  # what moves by itself delays what a key does
        self._notices = notices
        self._printable = PrintableLines()
        self._main = MainScreen(group, read_only=read_only)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = chosen.theme or THEMES[0].name
        self.set_keymap({**chosen.keys})

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._printable]

    def get_default_screen(self) -> Screen[None]:
        return self._main

    def get_system_commands(self, screen: Screen[Any]) -> Iterator[SystemCommand]:
        """What has a key now, by name, and what every such interface can."""
        for active in screen.active_bindings.values():
            binding = active.binding
            if active.enabled and binding.id and binding.id != "quit":
                act = partial(self.run_action, binding.action, active.node)
                yield SystemCommand(binding.description, binding.tooltip, act)
        yield from super().get_system_commands(screen)

    async def action_quit(self) -> None:
        """Ends the interface, and before that a drill and what was to be healed by itself later.

        The group is left as it is otherwise.
        """
        self.run_worker(self._quit(), name="quit", group="quit", exclusive=True)

    async def _quit(self) -> None:
        for line in self._main.going_on():
            self.notify(line, markup=False)
        ended = await self._main.end()
        self.exit(message=Text("\n".join(map(printable, ended))) if ended else None)

    async def finish(self) -> Sequence[str]:
        """Returns once nothing is done to the group any more, also when the screen is gone.

        Says what became of what was.
        """
        return await self._main.finish()

    def on_mount(self) -> None:
        self._notices.listen(lambda line: self.post_message(Said(line)))

    def on_said(self, message: Said) -> None:
        """To who started what is told of, else to the user."""
        if isinstance(self.screen, StartScreen):
            self.screen.tell(message.line)
        else:
            self.notify(message.line, markup=False)
