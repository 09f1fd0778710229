"""The subscribe pane: a form, subscriptions, the messages of one of them, and the gaps that they felt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label, Select, Static

from stanlocal.api import FTGroup
from stanlocal.errors import StanError
from stanlocal.history.failovers import Failover, bridges
from stanlocal.outages.gaps import Gap
from stanlocal.tui.clients.orders import Start, SubscribeOrder
from stanlocal.tui.clients.reception import Reception
from stanlocal.tui.widgets.clients_pane import WIDEST, ClientsPane
from stanlocal.tui.widgets.form import Field, Form
from stanlocal.tui.widgets.live_table import Cells, LiveTable
from stanlocal.tui.widgets.message_view import MessageView

_BEGINS: tuple[tuple[str, Start], ...] = (
    ("new messages", "new"),
    ("the first one", "all"),
    ("the last one", "last"),
    ("a sequence", "seq"),
    ("a time, or 5m ago", "since"),
)

_ACKS = (("automatic", False), ("manual", True))


class SubscribeForm(Form):
    """A form for channel, start position, durable, queue group and kind of ack."""

    DEFAULT_CSS = """
    SubscribeForm {
        .label { width: auto; margin-right: 1; color: $text-muted; }
        Select { width: 24; }
        Select:focus { text-style: bold underline; }
        #manual-ack { width: 16; }
        #field-place { margin-left: 1; }
    }
    """
    TITLE = "subscribe"
    ENTER = "subscribes"

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Field("channel", "channel", "orders")
            yield Label("from", classes="label")
            yield Select(_BEGINS, value="all", allow_blank=False, compact=True, id="begin")
            yield Field("", "place")
        with Horizontal(classes="row"):
            yield Field("durable", "durable")
            yield Field("queue", "queue")
            yield Label("acks", classes="label")
            yield Select(_ACKS, value=False, allow_blank=False, compact=True, id="manual-ack")
        yield Static(id="says", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self._show_place()

    @on(Select.Changed)
    def _on_choice(self) -> None:
        self._show_place()
        self.post_message(self.Changed())

    def _show_place(self) -> None:
        self.query_one("#field-place").visible = self._begin in ("seq", "since")

    @property
    def _begin(self) -> Start:
        return cast(Start, self.query_one("#begin", Select).value)

    def order(self) -> SubscribeOrder:
        """Return the order; raises `StanError` for an invalid form."""
        return SubscribeOrder(
            self.text("channel"),
            self._begin,
            self.text("place") if self._begin in ("seq", "since") else "",
            self.text("durable"),
            self.text("queue"),
            self.query_one("#manual-ack", Select).value is True,
        )


_HEADS = ("CHANNEL", "STATE", "GOT", "LAST", "AGAIN", "MISSING", "UNACKED", "PER S", "FROM")
_EXPLAIN_S = 0.2
_EXPLAINED = 10
"""Limit of failovers, the newest, that may explain silences."""


class SubscribePane(ClientsPane[Reception]):
    """Subscriptions, and below them the messages of the current one."""

    DEFAULT_CSS = """
    SubscribePane {
        #running { height: auto; min-height: 2; max-height: 6; }
        MessageView { min-height: 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "U", "unsubscribe", "Unsubscribe", id="sub.end", tooltip="end it, and forget a durable's position"
        ),
        Binding("enter", "ack", "Ack", id="sub.ack", tooltip="acknowledge the message under the cursor"),
        Binding("A", "ack_all", "Ack all", id="sub.ack-all", tooltip="acknowledge all messages that wait"),
    ]
    FELT = "NO MESSAGE FROM"

    def __init__(self, group: FTGroup, *, read_only: bool = False) -> None:
        super().__init__(group, read_only=read_only)
        self._explained_gaps: set[Gap] = set()
        self._explained = (0, 0)
        """Number of silences and of failovers at their last comparison."""
        self._seen: tuple[Reception | None, int] = (None, 0)
        """Shown reception, and how many messages it had when it was drawn."""

    def form(self) -> SubscribeForm:
        return SubscribeForm()

    def table(self) -> LiveTable:
        return LiveTable(*_HEADS, right=range(2, 8), widest=WIDEST, id="running")

    def below(self) -> ComposeResult:
        yield MessageView(id="messages")

    def cells(self, client: Reception) -> Cells:
        return (
            client.order.channel,
            client.state,
            f"{client.received:,}",
            f"{client.last_sequence:,}",
            f"{client.again:,}",
            "-" if client.missing is None else f"{client.missing:,}",
            f"{client.unacked:,}" if client.order.manual_ack else "-",
            f"{client.rate():,.0f}",
            client.order.summary,
        )

    def ordered(self) -> Reception:
        return Reception(self.query_one(SubscribeForm).order(), self.group.connect)

    def show(self, failovers: Sequence[Failover]) -> None:
        super().show(failovers)
        newest = failovers[-_EXPLAINED:]
        explained = self._explained_gaps
        self._explained_gaps = {gap for gap in explained if any(bridges(gap.outage, each) for each in newest)}

    def on_mount(self) -> None:
        self.set_interval(_EXPLAIN_S, self._explain_silences)

    def refresh_rows(self) -> None:
        super().refresh_rows()
        self._show_messages()

    def _explain_silences(self) -> None:
        """Find the silences of failovers; also while the pane is hidden, as the failovers pane shows them."""
        known = (sum(client.silences for client in self.clients.values()), len(self.causes.failovers))
        if known == self._explained:
            return
        self._explained = known
        for client in self.clients.values():
            for failover in self.causes.failovers[-_EXPLAINED:]:
                gap = client.gap(failover)
                if gap is not None and gap not in self._explained_gaps:
                    self._explained_gaps.add(gap)
                    self.feel(gap)

    def _show_messages(self) -> None:
        view, client = self.query_one(MessageView), self.current
        before, got = self._seen
        if client is not before:
            view.is_unacked = client.is_unacked if client else lambda sequence: False
            view.replace(client.messages if client else ())
            view.action_follow()
        elif client is not None and client.received != got:
            view.show(client.messages, client.received - got)
        self._seen = (client, client.received if client else 0)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys for acks only to a subscription with manual acks."""
        if action in ("ack", "ack_all"):
            return self.is_mounted and self.current is not None and self.current.order.manual_ack
        return True

    def action_unsubscribe(self) -> None:
        """Close the subscription; the server forgets a durable's position."""
        if (current := self.current) is not None:
            current.stop(unsubscribe=True)

    async def action_ack(self) -> None:
        """Acknowledge the message under the cursor, or the oldest that waits."""
        if (current := self.current) is not None and current.unacked:
            looked_at = self.query_one(MessageView).current
            await self._ack(current, looked_at.sequence if looked_at else current.oldest_unacked)

    async def action_ack_all(self) -> None:
        if (current := self.current) is not None:
            await self._ack(current, None)

    async def _ack(self, client: Reception, sequence: int | None) -> None:
        try:
            await client.ack(sequence)
        except StanError as error:
            self.notify(str(error), severity="error", markup=False)
        self.query_one(MessageView).refresh()
