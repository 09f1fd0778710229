"""The bar at the bottom: the keys of the focused part."""

from __future__ import annotations

from textual.binding import ActiveBinding
from textual.content import Content
from textual.events import Click, MouseMove
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

_KEY, _TIP = "key", "tip"
"""Names of the metadata in each key's text."""


class KeyBar(Static):
    """One line of keys with their actions; a click on a key presses it.

    Textual's footer makes a widget for each key, again at each move of the focus: that takes most of the time
    of a change of tabs.
    """

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom; height: 1; text-wrap: nowrap; text-overflow: ellipsis;
        color: $footer-foreground; background: $footer-background;
    }
    """

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._show)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def on_mouse_move(self, event: MouseMove) -> None:
        self.tooltip = event.style.meta.get(_TIP)

    def on_click(self, event: Click) -> None:
        if (key := event.style.meta.get(_KEY)) is not None:
            self.app.simulate_key(key)

    def _show(self, screen: Screen[object]) -> None:
        keys: dict[str, ActiveBinding] = {}
        for active in screen.active_bindings.values():
            if active.binding.show:
                keys.setdefault(active.binding.action, active)  # the first of several keys for an action
        self.update(Content(" ").join(map(self._key, keys.values())), layout=False)

    def _key(self, active: ActiveBinding) -> Content:
        binding = active.binding
        shown = Content.styled(self.app.get_key_display(binding), "bold $footer-key-foreground")
        carried = Style.from_meta({_KEY: binding.key, _TIP: active.tooltip})
        return Content(" ").join((shown, Content(binding.description))).stylize(carried)
