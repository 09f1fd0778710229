"""The help dialog: every key that works now, by task, the states and numbers, and a search."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from stanlocal.tui.help_text import Key, found, lines
from stanlocal.tui.palette import words_of_actions
from stanlocal.tui.screens.dialog import Dialog
from stanlocal.tui.themes import STATE_STYLES

_HEAD_WIDTH = 12


class HelpScreen(Dialog[None]):
    """The keys as they are bound now; typing leaves only the lines that have the text."""

    DEFAULT_CSS = """
    HelpScreen > .box { width: 100; height: 92%; overflow: hidden; }
    HelpScreen #search { margin-bottom: 1; background: $boost; }
    HelpScreen #lines { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
    ]
    title_text = "help"

    def __init__(self, bindings: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self._bound = list(bindings)

    def compose(self) -> ComposeResult:
        words = words_of_actions()
        keys = [
            self._key(each, words.get(each.binding.id or "", set())) for each in self._bound if _counts(each)
        ]
        self._lines = list(lines(keys))
        yield from super().compose()

    def content(self) -> list[Widget]:
        search = Input(placeholder="type to search: a key, a word, a state", id="search", compact=True)
        return [search, VerticalScroll(Static(self._text(""), id="text"), id="lines", can_focus=False)]

    def on_mount(self) -> None:
        self.query_one("#search").focus()
        self.query_one(".box").border_subtitle = "type to search, up and down scroll, esc leaves"

    @on(Input.Changed)
    def _on_search(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one("#text", Static).update(self._text(event.value))
        self.query_one("#lines").scroll_home(animate=False)

    def action_scroll(self, by: int) -> None:
        self.query_one("#lines").scroll_relative(y=by, animate=False)

    def _text(self, wanted: str) -> Content:
        parts: list[Content] = []
        for section, of_section in found(self._lines, wanted).items():
            parts.append(Content.styled(section, "bold underline"))
            parts += [
                Content.assemble((f"{line.head:<{_HEAD_WIDTH}}", _style(line.head)), line.text)
                for line in of_section
            ]
            parts.append(Content())
        return Content("\n").join(parts) if parts else Content(f"nothing about '{wanted}'")

    def _key(self, active: ActiveBinding, words: Iterable[str]) -> Key:
        binding = active.binding
        about = f"{binding.description}: {binding.tooltip}" if binding.tooltip else binding.description
        key = self.app.get_key_display(binding)
        return Key(binding.id or "", key, about, frozenset(words), not isinstance(active.node, Screen))


def _style(head: str) -> str:
    return STATE_STYLES.get(head, "bold $text-accent")


def _counts(active: ActiveBinding) -> bool:
    """Whether it is enabled and stanlocal's; textual's own bindings, such as for scrolling, are left out."""
    if not active.enabled:
        return False
    classes = [each for each in type(active.node).__mro__ if each.__module__.startswith("stanlocal.")]
    ours = (binding for each in classes for binding in vars(each).get("BINDINGS", ()))
    return any(binding.action == active.binding.action for binding in ours)
