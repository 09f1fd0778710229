"""One node."""

from __future__ import annotations

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from stanlocal.tui import node_text
from stanlocal.tui.node_view import NodeView


class NodeCard(Widget):
    """A node as a card, or as a line where there is little room."""

    DEFAULT_CSS = """
    NodeCard {
        height: auto; padding: 0 1;
        border: round $foreground 50%; border-title-color: $foreground; border-title-style: bold;
    }
    NodeCard.-target { border: heavy $accent; border-title-color: $accent; }
    NodeCard.-compact { height: 1; border: none; padding: 0; }
    NodeCard.-compact.-target { background: $boost; text-style: bold; }
    """

    view: reactive[NodeView | None] = reactive(None)
    compact: reactive[bool] = reactive(False, layout=True)
    mark: reactive[str] = reactive("")
    """Why keys act on it: it was selected, or is `@active` now. Empty: they do not."""

    class Picked(Message):
        """The user clicked on it."""

        def __init__(self, node: str) -> None:
            super().__init__()
            self.node = node

    def render(self) -> Content:
        if self.view is None:
            return Content()
        if not self.compact:
            return node_text.card(self.view)
        return Content("▸ " if self.mark else "  ") + node_text.line(self.view)

    def watch_view(self) -> None:
        self._entitle()
        if not self.compact and not self._is_as_tall():
            self.refresh(layout=True)  # figures come all the time, and seldom change anything else

    def _is_as_tall(self) -> bool:
        """Whether what it says takes the room that it has."""
        width, height = self.size
        return width > 0 and self.render().get_height({}, width) == height

    def watch_mark(self) -> None:
        self.set_class(bool(self.mark), "-target")
        self._entitle()

    def watch_compact(self) -> None:
        self.set_class(self.compact, "-compact")

    def _entitle(self) -> None:
        if self.view is not None:
            lock = " · has the lock" if self.view.holds_lock else ""
            self.border_title = f"{'▸ ' if self.mark else ''}{self.view.name}{lock}"
        self.border_subtitle = self.mark

    def on_click(self, event: Click) -> None:
        event.stop()
        if self.view is not None:
            self.post_message(self.Picked(self.view.name))
