"""Forms of one line a row, so that they leave room for what they start."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Static


class Field(Horizontal):
    """A label and what is typed behind it."""

    DEFAULT_CSS = """
    Field {
        height: 1;
        width: 1fr;
        margin-right: 2;
        Label { width: auto; margin-right: 1; color: $text-muted; }
        Input { width: 1fr; background: $surface; }
        Input:focus { background: $boost; text-style: underline; }
    }
    """

    def __init__(self, label: str, name: str, value: str = "", placeholder: str = "") -> None:
        super().__init__(id=f"field-{name}")
        self._label = label
        self._input = Input(value, placeholder=placeholder, id=name, compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        yield Label(self._label, markup=False)
        yield self._input


class Form(Vertical):
    """Fields; enter in any of them submits all. Below them: what it comes to, or why it cannot be."""

    DEFAULT_CSS = """
    Form {
        height: auto;
        padding: 0 1;
        Horizontal.row { height: 1; }
        #says { height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        #says.-problem { color: $text-error; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave the form"),
    ]

    class Changed(Message):
        """Something else is asked for."""

    class Submitted(Message):
        """The user wants it done."""

    class Left(Message):
        """The user is through with it."""

    def text(self, name: str) -> str:
        """What stands in the field, without blanks around it."""
        return self.query_one(f"#{name}", Input).value.strip()

    def say(self, text: str, *, problem: bool = False) -> None:
        """The line below the fields."""
        line = self.query_one("#says", Static)
        line.set_class(problem, "-problem")
        line.update(text)

    def focus_first(self) -> None:
        """To the first field."""
        self.query(Input).first().focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted())

    def action_leave(self) -> None:
        self.post_message(self.Left())
