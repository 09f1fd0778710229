"""A box over the main screen, with the keys that all boxes have."""

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
    """Gives back what was chosen, or None when it was left with escape."""

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
        """What stands in the box's frame."""
        return self.title_text

    def hint(self) -> str:
        """The keys that end the dialog, for whoever presses one that does nothing."""
        return "esc leaves it"

    def content(self) -> list[Widget]:
        """What is in the box."""
        raise NotImplementedError

    def on_key(self, event: Key) -> None:
        if self.active_bindings.keys().isdisjoint(event.aliases):
            self.query_one(".box").border_subtitle = f"{event.key} does nothing here; {self.hint()}"

    def action_cancel(self) -> None:
        self.dismiss(None)
