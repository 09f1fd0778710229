"""The bar at the bottom: the few keys that matter now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from textual.binding import ActiveBinding
from textual.content import Content
from textual.events import Click, MouseMove, Resize
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

_KEY, _TIP = "key", "tip"
"""Names of the metadata in each key's text."""
_LAST = ("help", "quit")
"""Actions whose keys always end the bar."""
BY_STATE: Mapping[str, Sequence[str]] = {
    "healthy": ("kill", "pause", "partition", "fault", "drill", "next"),
    "degraded": ("start", "heal", "kill", "next", "drill"),
    "failover": ("start", "heal"),
    "recovering": ("heal",),
    "starting": (),
    "blocked": ("heal", "kill", "next"),
    "split-brain": ("heal", "stop", "next"),
    "down": ("up",),
    "replay": ("replay.go", "replay.step", "replay.faster", "replay.slower", "replay.again"),
}
"""Actions that matter in each state of the group, the most important first."""


class KeyBar(Static):
    """One line of keys with their actions; a click on a key presses it.

    The keys of the focused part come first, then those that matter in the group's state, as far as there is
    room; the others are in the help, whose key is always there. Textual's footer makes a widget for each key,
    again at each move of the focus: that takes most of the time of a change of tabs.
    """

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom; height: 1; text-wrap: nowrap; text-overflow: ellipsis;
        color: $footer-foreground; background: $footer-background;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._state = ""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._show)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def on_resize(self, _: Resize) -> None:
        self._show(self.screen)

    def on_mouse_move(self, event: MouseMove) -> None:
        self.tooltip = event.style.meta.get(_TIP)

    def on_click(self, event: Click) -> None:
        if (key := event.style.meta.get(_KEY)) is not None:
            self.app.simulate_key(key)

    def show_state(self, state: str) -> None:
        """Show the keys that matter in this state of the group."""
        if state != self._state:
            self._state = state
            self._show(self.screen)

    def _show(self, screen: Screen[object]) -> None:
        named = {each.binding.id: each for each in reversed(screen.active_bindings.values()) if each.enabled}
        last = [self._key(named[name]) for name in _LAST if name in named]
        room = self.size.width - sum(text.cell_length + 2 for text in last)
        shown: list[Content] = []
        for active in self._wanted(screen, named):
            text = self._key(active)
            if sum(each.cell_length + 2 for each in shown) + text.cell_length <= room:
                shown.append(text)
        self.update(Content("  ").join([*shown, *last]), layout=False)

    def _wanted(
        self, screen: Screen[object], named: Mapping[str | None, ActiveBinding]
    ) -> Iterator[ActiveBinding]:
        """Yield the bindings to show, the most important first."""
        actions: set[str] = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            if active.enabled and binding.show and active.node is not screen:
                if binding.action not in actions:  # the first of several keys for an action
                    yield active
                actions.add(binding.action)
        yield from (named[name] for name in BY_STATE.get(self._state, ()) if name in named)

    def _key(self, active: ActiveBinding) -> Content:
        binding = active.binding
        shown = Content.styled(self.app.get_key_display(binding), "bold $footer-key-foreground")
        carried = Style.from_meta({_KEY: binding.key, _TIP: active.tooltip})
        return Content(" ").join((shown, Content(binding.description))).stylize(carried)
