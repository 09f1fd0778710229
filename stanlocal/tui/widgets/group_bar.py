"""The group on top: its state in words, what that means, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from stanlocal.tui.words import group_text


class GroupBar(Horizontal):
    """The group's state."""

    DEFAULT_CSS = """
    GroupBar { height: auto; min-height: 2; max-height: 4; padding: 0 1; background: $panel; }
    GroupBar #state { width: 1fr; height: auto; }
    GroupBar #hint { width: auto; padding-left: 2; color: $text-muted; }
    """

    def __init__(self, hint: str) -> None:
        super().__init__()
        self._hint = hint
        self._document: Mapping[str, Any] | None = None
        self._missing: Sequence[str] = ()
        self._trouble: str | None = None
        self._shown: Content | None = None

    def compose(self) -> ComposeResult:
        yield Static(group_text(None, (), None), id="state")
        yield Static(self._hint, id="hint", markup=False)

    def show(self, document: Mapping[str, Any], missing: Sequence[str]) -> None:
        """The newest group document, and the nodes of the group that the engine has no more."""
        self._document, self._missing, self._trouble = document, missing, None
        self._update()

    def show_trouble(self, trouble: str | None) -> None:
        """Why the group cannot be seen now; None when it can."""
        self._trouble = trouble
        self._update()

    def _update(self) -> None:
        text = group_text(self._document, self._missing, self._trouble)
        if text != self._shown:  # each update has the whole screen laid out anew
            self._shown = text
            self.query_one("#state", Static).update(text)
