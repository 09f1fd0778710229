"""The panes of the main screen: what there is, in which order, and who is told what.

Loaded once the group and its nodes are on the screen: all that the panes need takes a while to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

from textual.message import Message
from textual.widget import Widget
from textual.widgets import DataTable, TabbedContent, TabPane

from stanlocal.api import FTGroup
from stanlocal.tui.messages import EventSeen, FailoversChanged, GapFelt, LogLines
from stanlocal.tui.widgets.data import DataPane
from stanlocal.tui.widgets.failovers import FailoversPane
from stanlocal.tui.widgets.faults import FaultsPane
from stanlocal.tui.widgets.line_view import LineView
from stanlocal.tui.widgets.logs import LogsPane
from stanlocal.tui.widgets.publish import PublishPane
from stanlocal.tui.widgets.subscribe import SubscribePane
from stanlocal.tui.widgets.timeline import TimelinePane


class Panes(TabbedContent):
    """One of each kind, of which one is seen."""

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
        self.each: Mapping[str, Widget] = {
            "Logs": self.logs,
            "Publish": self.publish,
            "Subscribe": self.subscribe,
            "Failovers": self.failovers,
            "Timeline": self.timeline,
            "Data": self.data,
            "Faults": self.faults,
        }
        """By their titles, in the order of their keys."""
        for number, (title, pane) in enumerate(self.each.items(), 1):
            self.compose_add_child(TabPane(f"{number} {title}", pane, id=title.lower()))

    def choose(self, number: int) -> Widget | None:
        """Shows the pane with that key.

        Returns where keys go then: not into a form, where letters would be taken for text.
        """
        pane = self.get_pane([*self.each][number - 1].lower())
        self.active = pane.id or ""
        parts = (part for part in pane.query(Widget) if isinstance(part, LineView | DataTable))
        return next((part for part in parts if part.focusable and _is_shown(part, pane)), None)

    def tell(self, message: Message) -> None:
        """Hands down what the feed tells, beside the group's document."""
        match message:
            case LogLines():
                self.logs.add(message.lines, message.passed_over, anew=message.anew)
            case EventSeen():
                self.timeline.add(message.events, anew=message.anew)
            case FailoversChanged():
                for pane in (self.publish, self.subscribe, self.failovers):
                    pane.show(message.failovers)
            case GapFelt():
                self.failovers.feel(message.gap)


def _is_shown(part: Widget, pane: Widget) -> bool:
    """Whether nothing within the pane hides the part; the pane itself may be about to be shown."""
    within = takewhile(lambda node: node is not pane, part.ancestors_with_self)
    return all(node.display for node in within)
