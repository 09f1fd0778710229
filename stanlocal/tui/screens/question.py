"""The question before an action: what it does, its predicted outcome, and the equal command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Button, Static

from stanlocal.model.command_line import Command
from stanlocal.tui.screens.dialog import Dialog
from stanlocal.tui.widgets.pane import copy_command


@dataclass(frozen=True, slots=True)
class Question:
    """An action to confirm."""

    what: str
    """Short name of the action, such as `kill stan-0`."""
    expected: str
    """Its predicted outcome, or what else is to be known of it."""
    command: Command
    warning: str | None = None
    """Warning of what it costs; only a key of its own says yes then."""
    again: str | None = None
    """Key that was pressed for the action; pressed again it says yes."""
    label: str = "expected"
    """Word above `expected`."""
    ends_service: bool = False
    """Whether a node serves now and none will afterwards; only a key of its own says yes then."""


_GRAVE = "Y"
"""Key that confirms what ends the service or costs data: not enter, which is pressed in passing."""


class QuestionScreen(Dialog[bool]):
    """A dialog with a question; its result is True for yes."""

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
            Static(asked.label, classes="muted"),
            Static(asked.expected, classes="gap", markup=False),
        ]
        if asked.ends_service:
            parts.append(Static("after this no node serves", classes="warning gap"))
        if asked.warning:
            parts.append(Static(asked.warning, classes="warning gap", markup=False))
        parts += [
            Static("the same from a shell (y copies it)", classes="muted"),
            Static(f"{asked.command}", classes="gap", markup=False),
            _Buttons(f"Do it ({self._yes_keys})", by_key=not self._is_grave),
        ]
        return parts

    @property
    def _is_grave(self) -> bool:
        return self.question.ends_service or self.question.warning is not None

    @property
    def _yes_key(self) -> str | None:
        """Key that says yes, beside enter where that does too."""
        return _GRAVE if self._is_grave else self.question.again

    @property
    def _yes_keys(self) -> str:
        if self._is_grave:
            return _GRAVE
        return f"enter or {self._yes_key}" if self._yes_key else "enter"

    def hint(self) -> str:
        return f"{self._yes_keys} does it, esc leaves it"

    def on_key(self, event: Key) -> None:
        if event.key == self._yes_key:
            event.stop().prevent_default()  # otherwise the dialog reports a key that does nothing
            self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(True if event.button.id == "yes" else None)

    def action_copy(self) -> None:
        copy_command(self, self.question.command)


class _Buttons(Horizontal):
    DEFAULT_CSS = """
    _Buttons { height: auto; }
    _Buttons Button { margin-right: 2; }
    """

    def __init__(self, yes: str, *, by_key: bool) -> None:
        """`by_key`: whether tab and enter choose the buttons; otherwise only the mouse does."""
        super().__init__()
        self._yes, self._by_key = yes, by_key

    def compose(self) -> ComposeResult:
        yield Button(self._yes, id="yes", variant="primary" if self._by_key else "error", compact=True)
        yield Button("Leave it (esc)", id="no", compact=True)

    def on_mount(self) -> None:
        for button in self.query(Button):
            button.can_focus = self._by_key
        if self._by_key:
            self.query_one("#yes", Button).focus()
