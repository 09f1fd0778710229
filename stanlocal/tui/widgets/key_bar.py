"""The keys of what is focused, at the bottom."""

from __future__ import annotations

from functools import partial

from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer

_SETTLED_S = 0.05


class KeyBar(Footer):
    """Textual's footer, made anew once for all that changes at about the same time.

    Each time takes some ten milliseconds, and choosing another tab changes the focus several times.
    """

    _due: Timer | None = None

    def bindings_changed(self, screen: Screen[object]) -> None:
        if self._due is None:
            self._due = self.set_timer(_SETTLED_S, partial(self._settled, screen))

    def _settled(self, screen: Screen[object]) -> None:
        self._due = None
        # Each key is told when the bar becomes compact, and would be remembered for that after its removal.
        self.mutate_reactive(Footer.compact)
        super().bindings_changed(screen)
