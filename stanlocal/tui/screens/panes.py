"""The panes of the main screen: their order, and which messages each gets.

The main screen loads this module once the group and its nodes are shown: its imports take a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

from textual.message import Message
from textual.widget import Widget
from textual.widgets import DataTable, TabbedContent, TabPane, Tabs

from stanlocal.api import FTGroup
from stanlocal.tui.messages import EventSeen, FailoversChanged, GapFelt, LogLines
from stanlocal.tui.tabs import TABS
from stanlocal.tui.widgets.data import DataPane
from stanlocal.tui.widgets.failovers import FailoversPane
from stanlocal.tui.widgets.faults import FaultsPane
from stanlocal.tui.widgets.line_view import LineView
from stanlocal.tui.widgets.logs import LogsPane
from stanlocal.tui.widgets.publish import PublishPane
from stanlocal.tui.widgets.subscribe import SubscribePane
from stanlocal.tui.widgets.timeline import TimelinePane


class Panes(TabbedContent):
    """One pane of each kind, in tabs."""

    DEFAULT_CSS = """
    Panes { height: 1fr; }
    Panes Tab { color: $foreground 80%; }
    Panes Tab.-active { color: $foreground; text-style: bold; }
    """

    def __init__(self, group: FTGroup, *, read_only: bool) -> None:
        super().__init__()
        self.logs = LogsPane()
        self.publish = PublishPane(group, read_only=read_only)
        self.subscribe = SubscribePane(group, read_only=read_only)
        self.failovers = FailoversPane(group, read_only=read_only)
        self.timeline = TimelinePane()
        self.data = DataPane(group, read_only=read_only)
        self.faults = FaultsPane(group, read_only=read_only)
        parts = (
            self.logs,
            self.publish,
            self.subscribe,
            self.failovers,
            self.timeline,
            self.data,
            self.faults,
        )
        self.each: Mapping[str, Widget] = dict(zip(TABS, parts, strict=True))
        """Panes by their titles, in the order of their keys."""
        for number, (title, pane) in enumerate(self.each.items(), 1):
            self.compose_add_child(TabPane(f"{number} {title}", pane, id=title.lower()))

    def choose(self, number: int) -> Widget | None:
        """Show the pane with that key; return the part to focus.

        It is never a form, where letters would be taken for text.
        """
        pane = self.get_pane([*self.each][number - 1].lower())
        self.active = pane.id or ""
        parts = (part for part in pane.query(Widget) if isinstance(part, LineView | DataTable))
        return next((part for part in parts if part.focusable and _is_shown(part, pane)), None)

    def _on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        if event.tab.id != event.tabs.active:  # a key has gone on meanwhile, which this would undo
            event.stop()
            event.prevent_default()

    @property
    def title(self) -> str:
        """Title of the pane that is shown."""
        return next((title for title in self.each if title.lower() == self.active), "")

    def take(self, message: Message) -> None:
        """Pass the message on to the panes that show it."""
        match message:
            case LogLines():
                self.logs.add(message.lines, message.skipped, replay=message.replay)
            case EventSeen():
                self.timeline.add(message.events, replay=message.replay)
                for of_clients in (self.publish, self.subscribe):
                    of_clients.learn(message.events, replay=message.replay)
            case FailoversChanged():
                for pane in (self.publish, self.subscribe, self.failovers):
                    pane.show(message.failovers)
            case GapFelt():
                self.failovers.feel(message.gap)


def _is_shown(part: Widget, pane: Widget) -> bool:
    """Whether the pane shows the part; the pane itself may still be hidden."""
    within = takewhile(lambda node: node is not pane, part.ancestors_with_self)
    return all(node.display for node in within)
