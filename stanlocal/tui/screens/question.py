"""Asks before something is done: what it is, what will come of it, and which command does the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Button, Static

from stanlocal.tui.actions import Command
from stanlocal.tui.screens.dialog import Dialog


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is about to be done."""

    what: str
    """Such as `kill stan-0`."""
    expected: str
    command: Command
    warning: str | None = None
    """What can be lost by it: then yes has to be chosen, not only pressed once more."""
    again: str | None = None
    """The key that asked, which is also a yes."""


class QuestionScreen(Dialog[bool]):
    """True when it is to be done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy the command"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question

    def heading(self) -> str:
        return f"{self.question.what}?"

    def content(self) -> list[Widget]:
        asked = self.question
        parts: list[Widget] = [
            Static("expected", classes="muted"),
            Static(asked.expected, classes="gap", markup=False),
        ]
        if asked.warning:
            parts.append(Static(asked.warning, classes="warning gap", markup=False))
        parts += [
            Static("the same from a shell (y copies it)", classes="muted"),
            Static(f"{asked.command}", classes="gap", markup=False),
            _Buttons(self._yes_label(), safe=asked.warning is None),
        ]
        return parts

    def _yes_label(self) -> str:
        again = self.question.again if self.question.warning is None else None
        return f"Do it (enter or {again})" if again else "Do it"

    def on_key(self, event: Key) -> None:
        if self.question.warning is None and event.key == self.question.again:
            event.stop()
            self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(True if event.button.id == "yes" else None)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(str(self.question.command))
        self.notify(f"copied: {self.question.command}", markup=False)


class _Buttons(Horizontal):
    DEFAULT_CSS = """
    _Buttons { height: auto; }
    _Buttons Button { margin-right: 2; }
    """

    def __init__(self, yes: str, *, safe: bool) -> None:
        super().__init__()
        self._yes, self._safe = yes, safe

    def compose(self) -> ComposeResult:
        yield Button(self._yes, id="yes", variant="primary" if self._safe else "error", compact=True)
        yield Button("Leave it (esc)", id="no", compact=True)

    def on_mount(self) -> None:
        self.query_one("#yes" if self._safe else "#no", Button).focus()
