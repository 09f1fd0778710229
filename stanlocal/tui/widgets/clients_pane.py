"""The base of the publish and subscribe panes: a form, a table of running clients, and their gaps."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Static

from stanlocal.api import FTGroup
from stanlocal.errors import StanError
from stanlocal.history.failovers import Failover
from stanlocal.history.timeline import Event
from stanlocal.outages.gaps import Gap
from stanlocal.tui.causes import Causes
from stanlocal.tui.messages import GapFelt
from stanlocal.tui.widgets.form import Form
from stanlocal.tui.widgets.live_table import Cells, LiveTable
from stanlocal.tui.widgets.pane import Pane, copy_command
from stanlocal.tui.widgets.row_text import clock
from stanlocal.util.format import ms

WIDEST = 24
"""Limit of a text in a client's row, in cells, so that the figures stay on the screen."""
_REFRESH_S = 0.1
_KEPT = 20
"""Limit of ended clients that are still shown."""
_CLOSE_TIMEOUT_S = 1.0
"""Seconds for clients to disconnect from the server when the screen is closed."""


class Order(Protocol):
    """An order that a client carries out."""

    @property
    def words(self) -> list[str]: ...


class RunningClient(Protocol):
    """A publication or a reception."""

    ended: asyncio.Event
    error: str | None

    @property
    def order(self) -> Order: ...

    @property
    def is_over(self) -> bool: ...

    def stop(self) -> None: ...

    async def run(self) -> None: ...


C = TypeVar("C", bound=RunningClient)


class ClientsPane(Pane, Generic[C]):
    """Any number of clients; they continue while the pane is hidden, and end with the screen."""

    DEFAULT_CSS = """
    ClientsPane {
        height: 1fr;
        #running { height: 1fr; min-height: 3; }
        #detail { height: auto; max-height: 3; padding: 0 1; background: $panel; }
        #felt { height: auto; max-height: 5; display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New", id="clients.new", tooltip="go to the form"),
        Binding("x", "stop", "Stop", id="clients.stop", tooltip="end the client under the cursor"),
        Binding("y", "copy", "Copy", id="clients.copy", tooltip="copy the command that does the same"),
    ]
    FELT: ClassVar[str]
    """Head of the column with the start of a gap."""

    def __init__(self, group: FTGroup, *, read_only: bool = False) -> None:
        super().__init__()
        self.group = group
        self.read_only = read_only
        self.clients: dict[str, C] = {}
        """Clients by the keys of their rows, in order of their start."""
        self.causes = Causes()
        self._felt: deque[Gap] = deque(maxlen=50)
        self._keys = map(str, count(1))
        self._shown_detail: str | None = None

    # Parts that differ

    @abstractmethod
    def form(self) -> Form: ...

    @abstractmethod
    def table(self) -> LiveTable:
        """Return the table of clients; its id is `running`."""

    @abstractmethod
    def cells(self, client: C) -> Cells:
        """Return the client's row."""

    @abstractmethod
    def ordered(self) -> C:
        """Return the client that the form asks for; raises `StanError` for an invalid form."""

    def below(self) -> ComposeResult:
        """Yield the widgets below the table."""
        yield from ()

    # Rows

    def compose(self) -> ComposeResult:
        form = self.form()
        form.display = not self.read_only
        yield form
        yield self.table()
        yield from self.below()
        yield Static(id="detail", markup=False)
        felt = LiveTable(self.FELT, "FOR MS", "CHANNEL", "CAUSE", right=(1,), id="felt")
        felt.can_focus = felt.show_cursor = False
        yield felt

    def on_mount(self) -> None:
        self._refreshing = self.set_interval(_REFRESH_S, self.refresh_rows)
        self.call_after_refresh(self.preview)  # fields are mounted after the form

    def watch_document(self, before: Mapping[str, Any] | None, _: Mapping[str, Any] | None) -> None:
        """Update the command, which names the group, once the group is known."""
        if self.is_mounted and before is None:
            self.call_after_refresh(self.preview)

    def on_show(self) -> None:
        self._refreshing.resume()

    def on_hide(self) -> None:
        self._refreshing.pause()

    async def on_unmount(self) -> None:
        for client in self.clients.values():
            client.stop()
        leaving = [asyncio.ensure_future(client.ended.wait()) for client in self.clients.values()]
        if leaving:
            _, still = await asyncio.wait(leaving, timeout=_CLOSE_TIMEOUT_S)
            for each in still:
                each.cancel()

    @property
    def current(self) -> C | None:
        """Client in the row under the cursor."""
        return self.clients.get(self.query_one("#running", LiveTable).current or "")

    def show(self, failovers: Sequence[Failover]) -> None:
        """Take all known failovers, oldest first."""
        self.causes.failovers = failovers
        self._show_felt()

    def learn(self, events: Sequence[Event], *, replay: bool = False) -> None:
        """Take new events, among which the causes of gaps are found; with `replay` all of them."""
        self.causes.learn(events, replay=replay)
        self._show_felt()

    def feel(self, gap: Gap) -> None:
        """Show a gap of one of the clients, and post it."""
        self._felt.appendleft(gap)
        self.post_message(GapFelt(gap))
        self._show_felt()

    def refresh_rows(self) -> None:
        """Update the table, and the detail of the current row."""
        table = self.query_one("#running", LiveTable)
        table.show({key: self.cells(client) for key, client in self.clients.items()})
        self._show_current()

    def _show_felt(self) -> None:
        if self.is_running and self._felt:  # its parts are gone while it is closed
            felt = self.query_one("#felt", LiveTable)
            felt.display = True
            felt.show({str(id(gap)): self._felt_cells(gap) for gap in self._felt})
            felt.move_cursor(row=0)  # to the newest: a cursor that stays on an older row scrolls down with it

    def _felt_cells(self, gap: Gap) -> Cells:
        return clock(gap.outage.last_ack), ms(gap.ms), gap.channel, self.causes.of(gap.outage)

    def _show_current(self) -> None:
        current = self.current
        command = f"$ {self.command(current.order.words)}" if current is not None else ""
        text = f"{current.error}\n{command}" if current is not None and current.error else command
        if text != self._shown_detail:  # an update lays out the whole screen
            self._shown_detail = text
            detail = self.query_one("#detail", Static)
            detail.display = bool(text)
            detail.update(text)

    # The form

    @on(Form.Changed)
    def preview(self) -> None:
        """Show the equal command below the form, or the problem with it."""
        if self.read_only:
            return
        form = self.query_one(Form)
        try:
            form.say(f"$ {self.command(self.ordered().order.words)}")
        except StanError as error:
            form.say(str(error), problem=True)

    @on(Form.Submitted)
    def start(self) -> None:
        """Start the client that the form asks for."""
        if self.read_only:
            return
        try:
            client = self.ordered()
        except StanError as error:
            self.query_one(Form).say(str(error), problem=True)
            self.app.bell()
            return
        key = next(self._keys)
        self.clients[key] = client
        self._forget_old()
        self.run_worker(client.run(), name=f"{client.order.words[0]} {key}", group=key, exclusive=True)
        self.refresh_rows()
        table = self.query_one("#running", LiveTable)
        table.move_cursor(row=len(self.clients) - 1)
        self.screen.set_focus(table)  # the next keys are for the new client, or for another tab

    def _forget_old(self) -> None:
        over = [key for key, client in self.clients.items() if client.is_over]
        for key in over[: len(over) - _KEPT] if len(over) > _KEPT else ():
            del self.clients[key]

    @on(Form.Left)
    def action_leave_form(self) -> None:
        self.query_one("#running", LiveTable).focus()

    # Keys

    def action_new(self) -> None:
        """Move the focus to the form."""
        if self.read_only:
            self.notify("read-only: nothing is published or subscribed to", severity="warning")
        else:
            self.query_one(Form).focus_first()

    def action_stop(self) -> None:
        if (current := self.current) is not None:
            current.stop()

    def action_copy(self) -> None:
        """Copy the command that does the same as the current client."""
        if (current := self.current) is not None:
            copy_command(self, self.command(current.order.words))

    @on(DataTable.RowHighlighted, "#running")
    def _on_another_row(self) -> None:
        self._show_current()
        self.refresh_bindings()
