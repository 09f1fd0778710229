"""What to subscribe to, and how."""

from __future__ import annotations

from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label, Select, Static

from stanlocal.tui.clients.orders import Start, SubscribeOrder
from stanlocal.tui.widgets.form import Field, Form

_BEGINS: tuple[tuple[str, Start], ...] = (
    ("new messages", "new"),
    ("the first one", "all"),
    ("the last one", "last"),
    ("a sequence", "seq"),
    ("a time, or 5m ago", "since"),
)

_ACKS = (("by itself", False), ("by hand", True))


class SubscribeForm(Form):
    """Channel, where to begin, durable, queue group, who acknowledges."""

    DEFAULT_CSS = """
    SubscribeForm {
        .label { width: auto; margin-right: 1; color: $text-muted; }
        Select { width: 24; }
        #manual-ack { width: 16; }
        #field-place { margin-left: 1; }
    }
    """

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
        self._ask_for_place()

    @on(Select.Changed)
    def _something_else(self) -> None:
        self._ask_for_place()
        self.post_message(self.Changed())

    def _ask_for_place(self) -> None:
        self.query_one("#field-place").visible = self._begin in ("seq", "since")

    @property
    def _begin(self) -> Start:
        return cast(Start, self.query_one("#begin", Select).value)

    def order(self) -> SubscribeOrder:
        """What is asked for; raises `StanError` for what makes no sense."""
        return SubscribeOrder(
            self.text("channel"),
            self._begin,
            self.text("place") if self._begin in ("seq", "since") else "",
            self.text("durable"),
            self.text("queue"),
            self.query_one("#manual-ack", Select).value is True,
        )
