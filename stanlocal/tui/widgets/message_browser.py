"""A channel's messages, page by page, without disturbing its subscribers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from stanlocal.api import FTGroup
from stanlocal.errors import StanlocalError, StoreRefused
from stanlocal.group.home import GroupHome
from stanlocal.group.store_key import store_key
from stanlocal.machine.user_dirs import group_folder
from stanlocal.store.local import store_of_document
from stanlocal.tui.data.browse import PAGE, Page, SequenceRange, from_server, from_store
from stanlocal.tui.widgets.line_view import LineView
from stanlocal.tui.widgets.message_view import MessageView


class MessageBrowser(Vertical):
    """A page of messages from the store's files if they are readable, else from the active node."""

    DEFAULT_CSS = """
    MessageBrowser {
        height: 1fr;
        #where { height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        #whole { height: auto; max-height: 5; padding: 0 1; background: $panel; display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("less_than_sign", "page(-1)", "Older", id="messages.older", tooltip="the previous page"),
        Binding("greater_than_sign", "page(1)", "Newer", id="messages.newer", tooltip="the next page"),
    ]

    def __init__(self, group: FTGroup, *, read_only: bool) -> None:
        super().__init__()
        self._group = group
        self._read_only = read_only
        self._document: Mapping[str, Any] = {}
        self._served = SequenceRange(0, 0)
        self.channel: str | None = None
        self.page: Page | None = None

    def compose(self) -> ComposeResult:
        yield Static("choose a channel, then enter", id="where", markup=False)
        yield MessageView(id="page")
        yield Static(id="whole", markup=False)

    @property
    def view(self) -> MessageView:
        """Widget with the page's messages."""
        return self.query_one(MessageView)

    @property
    def words(self) -> list[str]:
        """Arguments of the `stanlocal` command that shows the same."""
        if self.channel is None:
            return ["store", "dump"]
        span = self.page.span if self.page else self._served
        return ["store", "dump", self.channel, "--from", str(span.first), "--to", str(span.last)]

    def open(self, document: Mapping[str, Any], channel: str, served: SequenceRange) -> None:
        """Show the newest page of the channel; the monitor last reported the sequences `served`."""
        self._document, self.channel, self._served, self.page = document, channel, served, None
        self._load(None)

    def action_page(self, step: int) -> None:
        if self.page is not None:
            self._load(self.page.span.first + step * PAGE)

    def _load(self, first: int | None) -> None:
        self.run_worker(self._read(first), name="browse", group="browse", exclusive=True)

    async def _read(self, first: int | None) -> None:
        assert self.channel is not None
        where = self.query_one("#where", Static)
        where.update(f"{self.channel}: reading ...")
        try:
            page, source = await self._page(self.channel, first)
        except StanlocalError as error:
            where.update(f"{self.channel}: {error}")
            return
        if not self.is_running:  # its parts are gone once it is closed
            return
        self.page = page
        self.view.replace(page.messages)
        self.view.action_follow()
        damaged = f"; {len(page.problems)} damaged: {page.problems[0]}" if page.problems else ""
        shown = f"{page.span.first:,} to {page.span.last:,}" if page.span.last else "none"
        whole = f"{page.whole.first:,} to {page.whole.last:,}"
        where.update(f"{self.channel}: {shown} of {whole}, {source}{damaged}")

    async def _page(self, channel: str, first: int | None) -> tuple[Page, str]:
        """Return the page, and its source in words."""
        try:
            return await asyncio.to_thread(self._stored, channel, first), "as on disk"
        except StoreRefused:
            if self._read_only or not self._served.last:
                raise
        return await from_server(self._group.connect, channel, self._served, first), "from the active node"

    def _stored(self, channel: str, first: int | None) -> Page:
        """Read the page from the files, with the group's key if they are encrypted."""
        plan = GroupHome(group_folder(self._document["group"])).load_plan()
        key = store_key(plan) if plan else None
        return from_store(store_of_document(self._document), channel, first, key)

    def on_line_view_moved(self, _: LineView.Moved) -> None:
        """Show the message under the cursor in full."""
        current, whole = self.view.current, self.query_one("#whole", Static)
        whole.display = current is not None
        if current is not None:
            whole.update(self.view.words(current))
