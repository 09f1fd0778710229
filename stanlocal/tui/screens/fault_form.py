"""The form of a fault: its targets, its parameters as an editable line, and how long it lasts.

The line, such as `latency_ms = 200, jitter_ms = 0`, is the inside of a TOML inline table, read as the tables
of scenarios are.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, fields
from typing import Any

from textual.widget import Widget
from textual.widgets import Button, Input, Static

from stanlocal.drill.scenario.fields import Fields
from stanlocal.drill.scenario.parameters import field_name, read_into
from stanlocal.errors import SettingsError
from stanlocal.faults.base import Fault
from stanlocal.faults.injection import check_time
from stanlocal.tui.screens.dialog import Dialog


@dataclass(frozen=True, slots=True)
class Wanted:
    """A fault to inject, as the form was filled in."""

    fault: Fault
    targets: tuple[str, ...]
    lasts_s: float | None = None
    """Seconds until it is healed by itself; None: it lasts until it is healed."""


class FaultForm(Dialog[Wanted]):
    """A form for a fault's targets, parameters and duration."""

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
        if self._kind.leaves is not None:  # the others end by themselves
            parts += [
                Static("for how many seconds (none: until it is healed)", classes="muted"),
                Input(id="time", compact=True),
            ]
        return [
            *parts,
            Static("", id="problem", markup=False),
            Button("Predict the outcome (enter)", id="on", variant="primary", compact=True),
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
        """Return the field's text; empty if this fault has no such field."""
        return "".join(each.value for each in self.query(f"#{field}").results(Input))


def settings_line(kind: type[Fault]) -> str:
    """Return the default parameters as a line; a parameter without a default is left out."""
    usual = kind()
    given = {field.name: getattr(usual, field.name) for field in fields(kind)}  # type: ignore[arg-type]  # as all
    return ", ".join(
        f"{field_name(name)} = {json.dumps(value)}" for name, value in given.items() if value is not None
    )


def read_fault(kind: type[Fault], line: str) -> Fault:
    """Return the fault with these parameters; raises `SettingsError` with every problem of the line."""
    problems: list[str] = []
    table = Fields(_table(line), "", problems)
    fault = read_into(kind, table)
    table.end()
    if problems or fault is None:
        raise SettingsError([f"{kind.name}: {problem}" for problem in problems])
    return fault


def read_time(kind: type[Fault], text: str) -> float | None:
    """Return the seconds that the fault lasts; None for an empty text: until it is healed.

    Raises `SettingsError` for anything but a positive number.
    """
    if not text.strip():
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise SettingsError([f"{kind.name}: {text!r} is not a duration; write seconds such as 5"])
    check_time(seconds)
    return seconds


def _table(line: str) -> Any:
    try:
        document = tomllib.loads(f"line = {{ {line} }}")
    except (ValueError, RecursionError) as error:
        raise SettingsError([_unreadable(line)]) from error
    if len(document) > 1:
        raise SettingsError([_unreadable(line)])
    return document["line"]


def _unreadable(line: str) -> str:
    return f"{line!r} does not read as settings such as 'grace = 5, ...'"
