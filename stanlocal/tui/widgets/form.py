"""Forms with rows of one line, which leave room for the clients that they start."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Select, Static


class Field(Horizontal):
    """A label and its input, between brackets that show its length without colours too."""

    DEFAULT_CSS = """
    Field {
        height: 1;
        width: 1fr;
        margin-right: 2;
        Label { width: auto; color: $text-muted; }
        .name { margin-right: 1; }
        Input { width: 1fr; background: $surface; }
        &:focus-within .name { color: $text-accent; text-style: bold; }
        &:focus-within .edge { color: $text-accent; text-style: bold; }
        &:focus-within Input { background: $boost; }
    }
    """

    def __init__(self, label: str, name: str, value: str = "", placeholder: str = "") -> None:
        super().__init__(id=f"field-{name}")
        self._label = label
        self._input = Input(value, placeholder=placeholder, id=name, compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        if self._label:
            yield Label(self._label, markup=False, classes="name")
        yield Label("[", markup=False, classes="edge")
        yield self._input
        yield Label("]", markup=False, classes="edge")


class Form(Vertical):
    """Fields in a frame that says what enter does, and below them the equal command or the problem."""

    DEFAULT_CSS = """
    Form {
        height: auto;
        padding: 0 1;
        border: round $foreground 50%;
        max-width: 96;
        border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $text-muted;
        &:focus-within { border: heavy $accent; border-title-color: $text-accent; }
        &:focus-within { border-subtitle-color: $text-accent; border-subtitle-style: bold; }
        Horizontal.row { height: 1; }
        #says { height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        #says.-problem { color: $text-error; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave the form"),
        Binding("tab", "app.focus_next", "Next field"),
    ]
    TITLE: ClassVar[str]
    """Title of the form: what it does."""
    ENTER: ClassVar[str]
    """Effect of enter, as in `enter publishes`."""

    def on_mount(self) -> None:
        self.border_title = self.TITLE
        self._say_keys()

    def on_descendant_focus(self) -> None:
        self._say_keys()

    def on_descendant_blur(self) -> None:
        self._say_keys()

    def _say_keys(self) -> None:
        enter = "opens the list" if isinstance(self.screen.focused, Select) else self.ENTER
        inside = self.has_pseudo_class("focus-within")
        self.border_subtitle = f"enter {enter}, tab next field, esc leaves" if inside else "n fills it in"

    class Changed(Message):
        """A field has changed."""

    class Submitted(Message):
        """The user has pressed enter."""

    class Left(Message):
        """The user has left the form."""

    def text(self, name: str) -> str:
        """Return the field's text, without blanks around it."""
        return self.query_one(f"#{name}", Input).value.strip()

    def say(self, text: str, *, problem: bool = False) -> None:
        """Set the line below the fields."""
        line = self.query_one("#says", Static)
        line.set_class(problem, "-problem")
        line.update(text)

    def focus_first(self) -> None:
        """Move the focus to the first field."""
        self.query(Input).first().focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted())

    def action_leave(self) -> None:
        self.post_message(self.Left())
