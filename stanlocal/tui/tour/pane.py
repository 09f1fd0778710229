"""The tour's pane: a lesson in a frame, above the nodes."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class TourPane(Static):
    """A lesson: what came of the last step, and what to do now."""

    DEFAULT_CSS = """
    TourPane {
        height: auto; max-height: 12; padding: 0 1;
        border: round $accent; border-title-color: $text-accent; border-title-style: bold;
        border-subtitle-color: $text-muted;
    }
    """

    def __init__(self, keys: str) -> None:
        """`keys`: the keys of the tour, for the frame."""
        super().__init__()
        self.border_subtitle = keys
        self.text = Content()
        """The lesson as it is shown."""

    def show(self, heading: str, text: Content) -> None:
        """Show the lesson, unless it is shown already: each update lays out the whole screen."""
        self.border_title = heading
        if text != self.text:
            self.text = text
            self.update(text)
