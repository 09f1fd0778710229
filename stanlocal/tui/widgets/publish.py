"""The publish pane: a form, publications with their acks, and the gaps that they felt."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from stanlocal.errors import StanlocalError
from stanlocal.outages.gaps import Gap
from stanlocal.tui.clients.orders import MADE_UP_BYTES, PublishOrder, publish_order
from stanlocal.tui.clients.publication import Publication
from stanlocal.tui.widgets.clients_pane import WIDEST, ClientsPane
from stanlocal.tui.widgets.form import Field, Form
from stanlocal.tui.widgets.live_table import Cells, LiveTable
from stanlocal.util.format import ms


class PublishForm(Form):
    """A form for channel, message, count and rate."""

    DEFAULT_CSS = """
    PublishForm #field-channel { width: 2fr; }
    PublishForm #field-payload { width: 3fr; }
    """

    TITLE = "publish"
    ENTER = "publishes"

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Field("channel", "channel", "orders")
            yield Field("message", "payload", placeholder="empty: its number")
        with Horizontal(classes="row"):
            yield Field("count", "count", "1", placeholder="until stopped")
            yield Field("rate/s", "rate", placeholder="all at once")
            yield Field("bytes", "size", placeholder=str(MADE_UP_BYTES))
        yield Static(id="says", markup=False)

    def order(self) -> PublishOrder:
        """Return the order; raises `StanError` for an invalid form."""
        return publish_order(*map(self.text, ("channel", "payload", "count", "rate", "size")))


_HEADS = ("CHANNEL", "STATE", "SENT", "ACKED", "WAITING", "ACKS/S", "P50 MS", "P95", "MAX")


class PublishPane(ClientsPane[Publication]):
    """Publications, whose outages are recorded in the group, so that failovers show them."""

    FELT = "NO ACK FROM"

    def form(self) -> PublishForm:
        return PublishForm()

    def table(self) -> LiveTable:
        return LiveTable(*_HEADS, right=range(2, 9), widest=WIDEST, id="running")

    def cells(self, client: Publication) -> Cells:
        return (
            client.order.channel,
            client.state if not client.failed else f"{client.state}, {client.failed:,} failed",
            f"{client.published:,}",
            f"{client.acked:,}",
            f"{client.waiting:,}",
            f"{client.rate():,.0f}",
            *(ms(client.latency_ms(share)) for share in (50, 95, 100)),
        )

    def ordered(self) -> Publication:
        order = self.query_one(PublishForm).order()
        return Publication(order, self.group.connect, self._record)

    async def _record(self, gap: Gap) -> None:
        self.feel(gap)
        try:
            await self.group.record_outage(gap.outage)
        except (StanlocalError, OSError) as error:
            self.notify(f"the outage was not recorded: {error}", severity="warning", markup=False)
