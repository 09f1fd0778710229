"""What to publish."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from stanlocal.tui.clients.orders import MADE_UP_BYTES, PublishOrder, publish_order
from stanlocal.tui.widgets.form import Field, Form


class PublishForm(Form):
    """Channel, message, how many and how fast."""

    DEFAULT_CSS = """
    PublishForm #field-channel { width: 2fr; }
    PublishForm #field-payload { width: 3fr; }
    """

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Field("channel", "channel", "orders")
            yield Field("message", "payload", placeholder="made up: its number")
        with Horizontal(classes="row"):
            yield Field("count", "count", "1", placeholder="until stopped")
            yield Field("rate/s", "rate", placeholder="all at once")
            yield Field("bytes", "size", placeholder=str(MADE_UP_BYTES))
        yield Static(id="says", markup=False)

    def order(self) -> PublishOrder:
        """What is asked for; raises `StanError` for what makes no sense."""
        return publish_order(*map(self.text, ("channel", "payload", "count", "rate", "size")))
