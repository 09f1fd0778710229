"""The main screen: the group on top, its nodes, and the panes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, TabbedContent, TabPane

from stanlocal.api import FTGroup
from stanlocal.tui.feed import Feed
from stanlocal.tui.messages import EngineBack, EngineLost, EventSeen, FailoversChanged, GroupChanged, LogLines
from stanlocal.tui.widgets.group_bar import GroupBar
from stanlocal.tui.widgets.logs import LogsPane
from stanlocal.tui.widgets.nodes import Nodes
from stanlocal.tui.widgets.timeline import TimelinePane


class MainScreen(Screen[None]):
    """Hands down what the feed tells; acts on what the user asks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "app.quit", "Quit", id="quit"),
    ]

    document: reactive[Mapping[str, Any] | None] = reactive(None)
    """The newest group document."""

    def __init__(self, group: FTGroup, *, read_only: bool = False) -> None:
        super().__init__()
        self.group = group
        self.read_only = read_only

    def compose(self) -> ComposeResult:
        yield GroupBar().data_bind(MainScreen.document)
        with Container(id="body"):
            yield Nodes().data_bind(MainScreen.document)
            with TabbedContent(id="panes"):
                for title, pane in self._panes():
                    yield TabPane(title, pane, id=title.lower())
        yield Footer(show_command_palette=False)

    def _panes(self) -> Iterator[tuple[str, Widget]]:
        """In the order of their keys, 1 to 7."""
        yield "Logs", LogsPane().data_bind(MainScreen.document)
        yield "Timeline", TimelinePane().data_bind(MainScreen.document)

    def on_mount(self) -> None:
        feed = Feed(self.group, self.post_message)
        self.run_worker(feed.follow_group(), name="watch", group="watch", exclusive=True)
        self.run_worker(feed.follow_logs(), name="logs", group="logs", exclusive=True)

    def on_group_changed(self, message: GroupChanged) -> None:
        self.document = message.document

    def on_engine_lost(self, message: EngineLost) -> None:
        self.query_one(GroupBar).engine_lost = message.reason

    def on_engine_back(self, _: EngineBack) -> None:
        self.query_one(GroupBar).engine_lost = None

    def on_log_lines(self, message: LogLines) -> None:
        self.query_one(LogsPane).add(message.lines, message.passed_over)

    def on_event_seen(self, message: EventSeen) -> None:
        self.query_one(TimelinePane).add(message.events)

    def on_failovers_changed(self, message: FailoversChanged) -> None: ...
