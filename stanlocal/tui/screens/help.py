"""The help dialog: every key that works now, and the meaning of the states."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from textual.binding import ActiveBinding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from stanlocal.model.group_document import MEANINGS
from stanlocal.tui.screens.dialog import Dialog
from stanlocal.tui.themes import STATE_STYLES

_MORE = """\
ctrl+p    every command, by name; also themes and a screenshot
tab       the next part of the screen, whose keys are then in the footer
mouse     click a node to select it, a tab to open it, a key in the footer to press it"""


class HelpScreen(Dialog[None]):
    """The list of keys as they are bound now, those of the focused pane first."""

    title_text = "help"

    def __init__(self, bindings: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self._bound = list(bindings)

    def content(self) -> list[Widget]:
        parts: list[Widget] = []
        for node, bound in groupby(self._bound, key=lambda active: active.node):
            lines = [self._line(each) for each in bound if each.enabled and _is_ours(each)]
            if lines:
                place = "everywhere" if isinstance(node, Screen) else f"in the {_name(node)}"
                parts += [Static(place, classes="muted"), Static(Content("\n").join(lines), classes="gap")]
        states = [
            Content.assemble((f"{state:<12}", STATE_STYLES[state]), meaning.format(active="one node"))
            for state, meaning in MEANINGS.items()
        ]
        return [
            *parts,
            Static("states of the group", classes="muted"),
            Static(Content("\n").join(states), classes="gap"),
            Static("more", classes="muted"),
            Static(_MORE),
        ]

    def _line(self, active: ActiveBinding) -> Content:
        binding = active.binding
        key = self.app.get_key_display(binding)
        what = f"{binding.description}: {binding.tooltip}" if binding.tooltip else binding.description
        return Content.assemble((f"{key:<10}", "bold $text-accent"), what)


def _is_ours(active: ActiveBinding) -> bool:
    """Whether stanlocal declares the binding; textual's own, such as for scrolling, are left out."""
    classes = [each for each in type(active.node).__mro__ if each.__module__.startswith("stanlocal.")]
    ours = (binding for each in classes for binding in vars(each).get("BINDINGS", ()))
    return any(binding.action == active.binding.action for binding in ours)


def _name(node: object) -> str:
    """Return the class's name in words, such as `log view`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()
