"""The start dialog: asks whether to start the group, and shows how it comes up."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Button, Static

from stanlocal.api import FTGroup
from stanlocal.errors import StanlocalError
from stanlocal.tui.screens.dialog import Dialog


class StartScreen(Dialog[bool]):
    """A dialog that asks whether to start the group; its result is True once the group is up."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Continue without it")]

    def __init__(self, group: FTGroup, why: str) -> None:
        super().__init__()
        self._group = group
        self._why = why

    def heading(self) -> str:
        return "start the group?"

    def content(self) -> list[Widget]:
        return [
            Static(self._why, classes="gap", markup=False),
            Static("", id="progress", classes="gap", markup=False),
            Button("Start it (enter)", id="yes", variant="primary", compact=True),
        ]

    def on_mount(self) -> None:
        self.query_one("#yes").focus()

    def on_button_pressed(self) -> None:
        self.query_one("#yes").disabled = True
        self.show_progress("starting ...")
        self.run_worker(self._start(), name="up", group="up", exclusive=True)

    async def _start(self) -> None:
        try:
            await self._group.up()
        except StanlocalError as error:
            self.show_progress(str(error))
            self.query_one("#yes").disabled = False
            self.query_one("#yes").focus()
        else:
            self.dismiss(True)

    def show_progress(self, line: str) -> None:
        """Show what is being done now."""
        self.query_one("#progress", Static).update(line)
