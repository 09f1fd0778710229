"""The group's nodes as cards or lines, and the target of the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from stanlocal.group.resources import Resources
from stanlocal.history.timeline import Event
from stanlocal.tui import node_view
from stanlocal.tui.node_view import Known, NodeView, learn_events, learn_resources, views
from stanlocal.tui.widgets.height import is_as_tall


class NodeCard(Widget):
    """A node as a card, or as a line on a narrow screen."""

    DEFAULT_CSS = """
    NodeCard {
        height: auto; min-height: 8; padding: 0 1;
        border: round $foreground 50%; border-title-color: $foreground; border-title-style: bold;
    }
    NodeCard.-target { border: heavy $accent; border-title-color: $accent; }
    NodeCard.-compact { height: 1; min-height: 1; border: none; padding: 0; }
    NodeCard.-compact.-target { background: $boost; text-style: bold; }
    """

    view: reactive[NodeView | None] = reactive(None)
    compact: reactive[bool] = reactive(False, layout=True)
    mark: reactive[str] = reactive("")
    """Reason why keys act on it: `selected`, or `@active`; empty if they do not."""

    class Picked(Message):
        """The user clicked on a node."""

        def __init__(self, node: str) -> None:
            super().__init__()
            self.node = node

    def render(self) -> Content:
        if self.view is None:
            return Content()
        if not self.compact:
            return node_view.card(self.view)
        return Content("▸ " if self.mark else "  ") + node_view.line(self.view)

    def watch_view(self) -> None:
        self._entitle()
        if not self.compact and not is_as_tall(self, self.render()):
            self.refresh(layout=True)  # measurements come often, and seldom change the height

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


ACTIVE = "@active"


class Nodes(VerticalScroll):
    """A card for each node; the target is one of them, or the active node."""

    DEFAULT_CSS = """
    Nodes { height: auto; max-height: 9; }
    Nodes.-stale { opacity: 60%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "select(1)", "Next node", show=False, id="node.next"),
        Binding("up", "select(-1)", "Previous node", show=False, id="node.previous"),
    ]

    compact: reactive[bool] = reactive(False)
    target: reactive[str] = reactive(ACTIVE)
    """Target of the keys: a node's name, or `@active`."""

    def __init__(self) -> None:
        super().__init__()
        self._document: Mapping[str, Any] | None = None
        self._missing: Sequence[str] = ()
        self._known: dict[str, Known] = {}
        self._cards: list[NodeCard] = []

    def show(self, document: Mapping[str, Any], missing: Sequence[str]) -> None:
        """Show the newest group document, and the planned nodes that the engine no longer has."""
        self._document, self._missing = document, missing
        self._update()

    def learn_events(self, events: Sequence[Event]) -> None:
        """Take new events, oldest first."""
        learn_events(self._known, events)
        self._update()

    def learn_resources(self, resources: Mapping[str, Resources]) -> None:
        """Take the newest measurements of the running nodes."""
        learn_resources(self._known, resources)
        self._update()

    def watch_target(self) -> None:
        self._update()

    def watch_compact(self) -> None:
        self._update()

    def action_select(self, step: int) -> None:
        """Make the next or the previous node the target; the first follows the last."""
        names = [card.view.name for card in self._cards if card.view]
        marked = [at for at, name in enumerate(names) if name in self._marked()]
        if names:
            at = marked[0] if marked else -1 if step > 0 else 0
            self.target = names[(at + step) % len(names)]

    def on_node_card_picked(self, message: NodeCard.Picked) -> None:
        message.stop()
        self.target = message.node

    def _marked(self) -> list[str]:
        """Return the names of the nodes that keys act on now."""
        if self.target != ACTIVE:
            return [self.target]
        nodes = self._document["nodes"] if self._document else ()
        return [node["name"] for node in nodes if node["state"] == "active"]

    def _update(self) -> None:
        if self._document is None:
            return
        shown = views(self._document, self._missing, self._known)
        for card in self._cards[len(shown) :]:
            card.remove()
        fresh = [NodeCard() for _ in shown[len(self._cards) :]]
        self._cards = [*self._cards[: len(shown)], *fresh]
        for card, view in zip(self._cards, shown, strict=True):
            self._fill(card, view)
        if fresh:
            self.mount_all(fresh)

    def _fill(self, card: NodeCard, view: NodeView) -> None:
        card.view = view
        card.compact = self.compact
        marked = view.name in self._marked()
        card.mark = (ACTIVE if self.target == ACTIVE else "selected") if marked else ""
        if marked and card.is_mounted:
            card.scroll_visible()
