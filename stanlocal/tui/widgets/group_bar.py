"""The group in one or two lines: its state in words, what that means, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from stanlocal.tui.words import group_line


class GroupBar(Widget):
    """The group's state."""

    DEFAULT_CSS = """
    GroupBar { height: auto; min-height: 2; max-height: 4; padding: 0 1; background: $panel; }
    """

    document: reactive[Mapping[str, Any] | None] = reactive(None, layout=True)
    engine_lost: reactive[str | None] = reactive(None, layout=True)

    def render(self) -> Content:
        return group_line(self.document, self.engine_lost)
