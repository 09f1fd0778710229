"""Whom a fault is to hit, and how."""

from __future__ import annotations

from dataclasses import dataclass

from textual.widget import Widget
from textual.widgets import Button, Input, Static

from stanlocal.errors import SettingsError
from stanlocal.faults.base import Fault
from stanlocal.tui.fault_settings import read_fault, read_time, settings_line
from stanlocal.tui.screens.dialog import Dialog


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form asks for."""

    fault: Fault
    targets: tuple[str, ...]
    lasts_s: float | None = None
    """For how many seconds; None: until it is healed."""


class FaultForm(Dialog[Wanted]):
    """A fault with its targets and parameters."""

    DEFAULT_CSS = """
    FaultForm Input { margin-bottom: 1; }
    FaultForm #problem { color: $text-error; }
    """

    def __init__(self, kind: type[Fault], targets: tuple[str, ...]) -> None:
        super().__init__()
        self._kind = kind
        self._targets = targets

    def heading(self) -> str:
        return self._kind.name

    def content(self) -> list[Widget]:
        settings = settings_line(self._kind)
        parts: list[Widget] = [
            Static(self._kind.summary, classes="gap", markup=False),
            Static("on: node names, indexes, @active, @standby or @all", classes="muted"),
            Input(" ".join(self._targets), id="targets", compact=True),
        ]
        if settings:
            parts += [Static("settings", classes="muted"), Input(settings, id="settings", compact=True)]
        if self._kind.leaves is not None:  # the others are over by themselves
            parts += [
                Static("for how many seconds (none: until it is healed)", classes="muted"),
                Input(id="time", compact=True),
            ]
        return [
            *parts,
            Static("", id="problem", markup=False),
            Button("What would come of it (enter)", id="on", variant="primary", compact=True),
        ]

    def on_mount(self) -> None:
        self.query_one("#on").focus()

    def on_input_submitted(self) -> None:
        self._go_on()

    def on_button_pressed(self) -> None:
        self._go_on()

    def _go_on(self) -> None:
        try:
            fault = read_fault(self._kind, self._text("settings"))
            lasts_s = read_time(self._kind, self._text("time"))
        except SettingsError as error:
            self.query_one("#problem", Static).update(str(error))
        else:
            targets = self._text("targets").replace(",", " ").split()
            self.dismiss(Wanted(fault, tuple(targets) or self._kind.default_targets, lasts_s))

    def _text(self, field: str) -> str:
        """What stands in the field; nothing where this fault has no such field."""
        return "".join(each.value for each in self.query(f"#{field}").results(Input))
