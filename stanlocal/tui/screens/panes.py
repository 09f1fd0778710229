"""The panes of the main screen: what there is, in which order, and who is told what.

Loaded once the group and its nodes are on the screen: all that the panes need takes a while to import.
"""

from __future__ import annotations

from collections.abc import Iterator

from textual.message import Message
from textual.widget import Widget

from stanlocal.api import FTGroup
from stanlocal.tui.messages import EventSeen, LogLines
from stanlocal.tui.widgets.faults import FaultsPane
from stanlocal.tui.widgets.logs import LogsPane
from stanlocal.tui.widgets.timeline import TimelinePane


class Panes:
    """One of each kind."""

    def __init__(self, group: FTGroup, *, read_only: bool) -> None:
        self.logs = LogsPane()
        self.timeline = TimelinePane()
        self.faults = FaultsPane(group, read_only=read_only)

    def titled(self) -> Iterator[tuple[str, Widget]]:
        """In the order of their keys."""
        yield "Logs", self.logs
        yield "Timeline", self.timeline
        yield "Faults", self.faults

    def tell(self, message: Message) -> None:
        """Hands down what the feed tells, beside the group's document."""
        match message:
            case LogLines():
                self.logs.add(message.lines, message.passed_over)
            case EventSeen():
                self.timeline.add(message.events)
