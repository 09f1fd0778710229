"""Gaps that clients feel in a real failover, as the panes show them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input

from stanlocal.api import FTGroup
from stanlocal.model.states import GroupState
from stanlocal.monitor import pages
from stanlocal.store.format.message import StoredMessage
from stanlocal.store.format.slices import Window
from stanlocal.store.inspect.dump import dump
from stanlocal.tui.widgets.data import DataPane
from stanlocal.tui.widgets.failovers import FailoversPane
from stanlocal.tui.widgets.live_table import LiveTable
from stanlocal.tui.widgets.message_view import MessageView
from stanlocal.tui.widgets.publish import PublishPane
from stanlocal.tui.widgets.subscribe import SubscribePane
from tests.integration.group.conftest import group, own_ports
from tests.tui import conftest
from tests.tui.conftest import running

__all__ = ["group", "own_ports"]

CHANNEL = "felt"
until = partial(conftest.until, timeout=60.0)
"""Wait long enough for a failover on a busy machine."""


def cells(pane: Widget, table: str = "running", row: int = 0) -> dict[str, str]:
    """A row of a table by its heads; empty where there is none."""
    found = pane.query_one(f"#{table}", LiveTable)
    texts = [cell.plain for cell in found.get_row_at(row)] if row < found.row_count else []
    return dict(zip((str(column.label) for column in found.ordered_columns), texts, strict=False))


def is_told(pane: Widget, through: str) -> bool:
    """Whether among what the pane's clients felt is a gap of such a failover."""
    rows = range(pane.query_one("#felt", LiveTable).row_count)
    return any(cells(pane, "felt", row)["CAUSE"].startswith(through) for row in rows)


async def start(pilot: Pilot[None], key: str, kind: type[Widget], **texts: str) -> None:
    """Goes to the pane, fills its form in, and sends it."""
    pane = pilot.app.screen.query_one(kind)
    await pilot.press(key)
    await until(pilot, lambda: pane.is_on_screen)
    for name, text in {"channel": CHANNEL, **texts}.items():
        pane.query_one(f"#{name}", Input).value = text
    pane.query_one("#channel").focus()
    await pilot.press("enter", "escape")


def count(text: str) -> int:
    return int(text.replace(",", "") or 0)


async def test_a_kill_is_felt_as_a_gap_and_no_message_is_lost(group: FTGroup) -> None:
    """A publisher and a subscriber of the screen feel it; the store has every acknowledged message."""
    await group.up()
    async with running(group) as pilot:
        screen = pilot.app.screen
        publishing, subscribing = screen.query_one(PublishPane), screen.query_one(SubscribePane)
        failovers, data = screen.query_one(FailoversPane), screen.query_one(DataPane)
        await start(pilot, "3", SubscribePane)
        await until(pilot, lambda: cells(subscribing).get("STATE") == "open")
        await start(pilot, "2", PublishPane, count="", rate="100")
        await until(pilot, lambda: count(cells(publishing).get("ACKED", "")) > 50)

        await group.kill("@active")
        await until(pilot, lambda: bool(cells(failovers, "failovers").get("OUTAGE", "-").strip("-")))
        served_again = count(cells(publishing)["ACKED"])
        await until(pilot, lambda: count(cells(publishing)["ACKED"]) > served_again + 50)
        assert is_told(publishing, "kill: ")
        await group.start("@all")
        await group.wait_state(GroupState.HEALTHY)

        publishing.query_one("#running").focus()
        await pilot.press("x")
        await until(pilot, lambda: cells(publishing)["STATE"] == "stopped")
        acked = count(cells(publishing)["ACKED"])
        assert cells(publishing)["SENT"] == cells(publishing)["ACKED"]

        await pilot.press("3")
        await until(pilot, lambda: count(cells(subscribing)["GOT"]) >= acked)
        assert cells(subscribing)["MISSING"] == "0"
        await until(pilot, lambda: is_told(subscribing, "kill: "))

        await pilot.press("4")
        felt = cells(failovers, "failovers")
        outage, by_publisher, by_subscriber = (count(felt[head]) for head in ("OUTAGE", "PUB", "SUB"))
        assert 300 < outage < 20_000
        within = 300 + outage / 4  # on a busy machine a server starts late, and clients hear of it later
        assert abs(by_publisher - outage) < within
        assert abs(by_subscriber - outage) < within

        await pilot.press("6")
        await until(pilot, lambda: cells(data, "channels").get("CHANNEL") == CHANNEL)
        assert cells(data, "channels")["SUBS"] == "1"
        await pilot.press("enter")
        newest = data.query_one(MessageView)
        await until(pilot, lambda: bool(newest.rows))
        stored = count(cells(data, "channels")["LAST"])
        assert newest.rows[-1].sequence == stored >= acked
    await _published_once_or_again(group, acked)


async def _published_once_or_again(group: FTGroup, acked: int) -> None:
    """Every number up to the last acknowledged one is in the store."""
    store = Path((await group.document())["store_dir"])
    stored = {
        found.data.split()[0] for found in dump(store, CHANNEL, Window()) if isinstance(found, StoredMessage)
    }
    assert stored >= {b"%d" % number for number in range(acked)}


async def test_clients_of_the_screen_leave_the_server_with_it(group: FTGroup) -> None:
    await group.up()
    async with running(group) as pilot:
        await start(pilot, "3", SubscribePane)
        subscribing = pilot.app.screen.query_one(SubscribePane)
        await until(pilot, lambda: cells(subscribing).get("STATE") == "open")
        await start(pilot, "2", PublishPane, count="", rate="100")
        publishing = pilot.app.screen.query_one(PublishPane)
        await until(pilot, lambda: count(cells(publishing).get("ACKED", "")) > 10)
    document = await group.document()
    active = next(node for node in document["nodes"] if node["name"] == document["active"])
    assert await pages.clients(active["monitor_url"], 5.0) == []
