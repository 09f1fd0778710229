"""The data pane: channels and their messages, clients, subscriptions, the store's files."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import ContentSwitcher, DataTable, Input, Static, Tab, Tabs

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import EngineError, GroupError, SettingsError, StateError, StoreRefused
from stanlocal.model.group_document import is_in_cluster
from stanlocal.model.plan import Monitor
from stanlocal.monitor.documents import Document
from stanlocal.store.inspect.overview import overview
from stanlocal.store.local import store_of_document
from stanlocal.tui.data import rows
from stanlocal.tui.data.browse import SequenceRange
from stanlocal.tui.data.live import Growth, Inside, MonitorReader
from stanlocal.tui.data.migration import Migration, migration_of
from stanlocal.tui.data.rows import COLUMNS, MOST, View, chosen
from stanlocal.tui.replay import ENGINE
from stanlocal.tui.widgets.live_table import LiveTable
from stanlocal.tui.widgets.message_browser import MessageBrowser
from stanlocal.tui.widgets.pane import Pane, copy_command

_WIDEST = 28
"""Limit of a name in cells, so that the figures stay on the screen."""


class DocumentTable(LiveTable):
    """The table of one view: filtered, sorted, and limited in length."""

    def __init__(self, view: View) -> None:
        self._columns = COLUMNS[view]
        super().__init__(*self._columns.heads, right=self._columns.figures, widest=_WIDEST, id=view)
        self.view = view
        self.sorted_by = self._columns.sorts[0]

    def next_sort(self) -> None:
        """Sort by the next field."""
        sorts = self._columns.sorts
        self.sorted_by = sorts[(sorts.index(self.sorted_by) + 1) % len(sorts)]

    def fill(
        self, documents: Iterable[Document], row: Callable[[Document], tuple[str, ...]], pattern: str
    ) -> str:
        """Show the matching documents; return their number and order in words."""
        found = chosen(self.view, documents, pattern, self.sorted_by)
        alike: Counter[str] = Counter()
        shown = {}
        for document in found[:MOST]:
            name = str(document[self._columns.name])
            shown[f"{alike[name]} {name}"] = row(document)
            alike[name] += 1
        self.show(shown)
        count = f"{len(found):,}" if len(found) <= MOST else f"{MOST} of {len(found):,}"
        matching = f" with '{pattern}'" if pattern else ""
        kind = {"store": "channels", "jetstream": "channels and durables"}.get(self.view, self.view)
        return f"{kind}: {count}{matching}, by {self.sorted_by}"

    @property
    def current_name(self) -> str | None:
        """Name in the row under the cursor."""
        return self.current.partition(" ")[2] if self.current is not None else None


_EVERY_S = 1.0
"""Seconds between two updates while the pane is shown."""
_MIGRATION_EVERY_S = 5.0
"""Seconds between two plans, each of which reads the index of every message."""
_VIEWS = ("channels", "messages", "clients", "subscriptions", "store", "jetstream")
_TITLES = {"jetstream": "JetStream"}


class DataPane(Pane):
    """One view at a time, updated every second while it is shown."""

    DEFAULT_CSS = """
    DataPane {
        height: 1fr;
        Tabs { height: 1; }
        Tabs Underline { display: none; }
        Tabs Tab.-active { text-style: bold reverse; }
        ContentSwitcher { height: 1fr; }
        #summary { height: auto; max-height: 3; padding: 0 1; color: $text-muted; }
        #filter { display: none; }
        #filter:focus { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "view(-1)", "Left", id="data.left", tooltip="the previous view"),
        Binding("right_square_bracket", "view(1)", "Right", id="data.right", tooltip="the next view"),
        Binding("slash", "filter", "Filter", id="data.filter", tooltip="only names that contain a text"),
        Binding("t", "sort", "Sort", id="data.sort", tooltip="sort by the next column"),
        Binding("y", "copy", "Copy", id="data.copy", tooltip="copy the command that shows the same"),
        Binding("escape", "leave_filter", "Back to the table", show=False),
    ]

    def __init__(self, group: FTGroup, *, read_only: bool = False) -> None:
        super().__init__()
        self._group = group
        self._browser = MessageBrowser(group, read_only=read_only)
        self._monitor = MonitorReader()
        self._inside: Inside | None = None
        self._growth = Growth()
        self._store: Mapping[str, Any] | None = None
        self._grows: Mapping[str, float] = {}
        self._migration: Migration | None = None
        self._planned_at = -_MIGRATION_EVERY_S
        self._look_again = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield Tabs(*(Tab(_TITLES.get(name, name.capitalize()), id=f"view-{name}") for name in _VIEWS))
        yield Static("loading ...", id="summary", markup=False)
        with ContentSwitcher(initial="channels"):
            for view in ("channels", "clients", "subscriptions", "store", "jetstream"):
                yield DocumentTable(view)
            self._browser.id = "messages"
            yield self._browser
        yield Input(id="filter", placeholder="a part of the name, or a glob", compact=True)

    # Reading

    def on_show(self) -> None:
        # As a function: a coroutine would be left behind where the pane is hidden before the worker runs.
        self.run_worker(self._follow, name="inside", group="inside", exclusive=True)  # type: ignore[arg-type]

    def on_hide(self) -> None:
        self.workers.cancel_group(self, "inside")

    def watch_document(self) -> None:
        self._look_again.set()

    async def _follow(self) -> None:
        while self.is_running:
            self._look_again.clear()
            document = self.document
            if document is not None and document.get("engine") == ENGINE:
                self._summarize("a drill's ledger has neither a store nor a monitor to be read")
            elif document is not None:
                look = {"store": self._look_at_store, "jetstream": self._look_at_migration}
                await look.get(self.view, self._look_inside)(document)
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._look_again.wait()

    async def _look_inside(self, document: Mapping[str, Any]) -> None:
        try:
            self._inside = await self._monitor.look(document, await self._way_to_monitor(document))
        except (GroupError, EngineError) as error:
            self._summarize(str(error))
        else:
            self._show()

    async def _way_to_monitor(self, document: Mapping[str, Any]) -> Monitor | None:
        """Return the way to the active node's monitor, unless its address is all that it takes."""
        active, urls = document["active"], document["monitor_urls"]
        if active is None or (
            not is_in_cluster(document) and not any(url.startswith("https:") for url in urls)
        ):
            return None
        core = await core_of(self._group)
        plan, _ = await core.find()
        return core.engine.monitor(plan, plan.node(active))

    async def _look_at_store(self, document: Mapping[str, Any]) -> None:
        try:
            self._store = await asyncio.to_thread(overview, store_of_document(document))
        except StoreRefused as error:
            self._summarize(str(error))
        else:
            self._grows = self._growth.look(monotonic(), self._store)
            self._show()

    async def _look_at_migration(self, document: Mapping[str, Any]) -> None:
        if monotonic() - self._planned_at < _MIGRATION_EVERY_S:
            return
        self._planned_at = monotonic()
        try:
            self._migration = await asyncio.to_thread(
                migration_of, store_of_document(document), document["group"]
            )
        except (StoreRefused, SettingsError, StateError) as error:
            self._summarize(str(error))
        else:
            self._show()

    # Showing

    @property
    def view(self) -> str:
        """Name of the shown view."""
        return self.query_one(ContentSwitcher).current or _VIEWS[0]

    @property
    def table(self) -> DocumentTable | None:
        """Table of the view; None for messages."""
        shown = self.query_one(ContentSwitcher).visible_content
        return shown if isinstance(shown, DocumentTable) else None

    def _summarize(self, text: str) -> None:
        if not self.is_running:  # its parts are gone while it is closed
            return
        summary = self.query_one("#summary", Static)
        summary.display = self.table is not None
        summary.update(text)

    def _show(self) -> None:
        if not self.is_running:
            return
        table, inside, store = self.table, self._inside, self._store
        pattern = self.query_one("#filter", Input).value.strip()
        if table is None:
            self._summarize("")
        elif table.view == "store":
            if store is not None:
                listed = table.fill(
                    store["channels"], lambda each: rows.store_row(each, self._grows), pattern
                )
                self._summarize(f"{listed}; {rows.store_summary(store, self._grows)}")
        elif table.view == "jetstream":
            if self._migration is not None:
                listed = table.fill(self._migration.documents, rows.migration_row, pattern)
                self._summarize(f"{listed}; {rows.migration_summary(self._migration)}")
        elif inside is not None:
            documents, row = {
                "channels": (inside.channels, rows.channel_row),
                "clients": (inside.clients, rows.client_row),
                "subscriptions": (inside.subscriptions, rows.subscription_row),
            }[table.view]
            self._summarize(f"{table.fill(documents, row, pattern)}; {rows.inside_summary(inside)}")

    @on(Tabs.TabActivated)
    def _on_tab(self, event: Tabs.TabActivated) -> None:
        event.stop()
        if event.tab.id != event.tabs.active:  # a key has gone on meanwhile
            return
        self.query_one(ContentSwitcher).current = (event.tab.id or "").removeprefix("view-")
        self._show()
        self._look_again.set()

    # Keys

    def action_view(self, step: int) -> None:
        self._go_to(_VIEWS[(_VIEWS.index(self.view) + step) % len(_VIEWS)])

    def _go_to(self, view: str) -> None:
        tabs = self.query_one(Tabs)
        had_focus = self.app.focused not in (None, tabs)
        tabs.active = f"view-{view}"
        self.query_one(ContentSwitcher).current = view
        if had_focus:
            self._content.focus()

    @property
    def _content(self) -> Widget:
        return self.table or self._browser.view

    @on(DataTable.RowSelected)
    def _on_row(self, event: DataTable.RowSelected) -> None:
        """Show the messages of the channel."""
        event.stop()
        table = self.table
        if table is not None and table.view != "clients" and self.document and table.current_name:
            self._go_to("messages")
            self._browser.open(self.document, table.current_name, self._served(table.current_name))

    def _served(self, channel: str) -> SequenceRange:
        """Return the channel's sequences on the active node, as last reported."""
        known = self._inside.channels if self._inside else ()
        found = next((each for each in known if each["name"] == channel), {})
        return SequenceRange(int(found.get("first_seq") or 0), int(found.get("last_seq") or 0))

    def action_filter(self) -> None:
        self.query_one("#filter", Input).focus()

    @on(Input.Changed, "#filter")
    def _on_filter(self) -> None:
        self._show()

    @on(Input.Submitted, "#filter")
    def action_leave_filter(self) -> None:
        self._content.focus()

    def action_sort(self) -> None:
        if self.table is not None:
            self.table.next_sort()
            self._show()

    def action_copy(self) -> None:
        own = {"messages": self._browser.words, "jetstream": ["migrate", "plan"]}
        words = own.get(self.view, [self.view])
        copy_command(self, self.command(words))
