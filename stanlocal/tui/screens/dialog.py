"""The base of all dialogs: a box over the main screen, which escape closes."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen
from textual.widget import Widget

T = TypeVar("T")


class Dialog(ModalScreen[T | None], Generic[T]):
    """A dialog; its result is the choice, or None after escape."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > .box {
        width: 76; max-width: 96%; height: auto; max-height: 92%;
        border: round $accent; background: $surface; padding: 0 1;
    }
    Dialog .muted { color: $text-muted; }
    Dialog .warning { color: $text-warning; text-style: bold; }
    Dialog .gap { margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Back")]

    title_text: ClassVar[str] = ""

    def compose(self) -> ComposeResult:
        box = VerticalScroll(*self.content(), classes="box")
        box.border_title = self.heading()
        yield box

    def heading(self) -> str:
        """Return the title in the box's frame."""
        return self.title_text

    def hint(self) -> str:
        """Return the keys that end the dialog, shown after a key that does nothing."""
        return "esc leaves it"

    def content(self) -> list[Widget]:
        """Return the widgets in the box."""
        raise NotImplementedError

    def on_key(self, event: Key) -> None:
        if self.active_bindings.keys().isdisjoint(event.aliases):
            self.query_one(".box").border_subtitle = f"{event.key} does nothing here; {self.hint()}"

    def action_cancel(self) -> None:
        self.dismiss(None)
