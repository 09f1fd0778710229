"""The data pane: each view and key, over monitors and a store of the test's own."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from textual.widgets import ContentSwitcher, Input, Tabs

from stanlocal.tui.data.rows import MOST
from stanlocal.tui.widgets.data import DataPane
from stanlocal.tui.widgets.live_table import LiveTable
from stanlocal.tui.widgets.message_view import MessageView
from tests.support.stores import make_store, slice_of, subscription, update
from tests.tui.data.monitors import FakeMonitors, monitors
from tests.tui.data.samples import CHANNELS, channel, group_document
from tests.tui.hosting import Desk, shown

__all__ = ["monitors"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with 250 messages in the channel `orders`."""
    return make_store(tmp_path / "store", [slice_of(b"message %d" % number for number in range(1, 251))])


async def look(desk: Desk[DataPane], store: Path | str = "/nowhere", active: str | None = "t-0") -> None:
    """The group's document is there, and something is shown of it."""
    desk.pane.document = group_document(active, str(store))
    await desk.until(lambda: desk.says("summary") != "loading ...")


async def go_to(desk: Desk[DataPane], view: str) -> None:
    while desk.pane.query_one(ContentSwitcher).current != view:
        await desk.press("right_square_bracket")


def names(desk: Desk[DataPane], table: str) -> list[str]:
    found = desk.pane.query_one(f"#{table}", LiveTable)
    return [row[0].plain for row in map(found.get_row_at, range(found.row_count))]


def lines(desk: Desk[DataPane]) -> list[str]:
    view = desk.pane.query_one(MessageView)
    return [view.plain(row) for row in view.rows]


async def test_channels_are_listed_with_what_is_worth_saying_of_them(monitors: FakeMonitors) -> None:
    async with shown(DataPane) as it:
        await look(it)
        assert names(it, "channels") == ["audit.[b]log[/b]", "empty", "orders"]
        assert it.cells(2, "channels")[1:3] == ["5,210", "1017.6 KiB"]
        text, worth = it.says("summary").splitlines()
        assert text == "channels: 3, by name; t-0 is active; redelivered -"
        assert worth.startswith("'auditor' of 'orders' is stalled")


async def test_data_pane_updates_only_while_it_is_shown(
    monitors: FakeMonitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stanlocal.tui.widgets.data._EVERY_S", 0.01)
    async with shown(DataPane) as it:
        await look(it)
        monitors.channels = [channel("orders", 9000)]
        await it.until(lambda: names(it, "channels") == ["orders"])
        await it.until(lambda: it.cells(0, "channels")[4] != "-")
        it.pane.display = False
        await it.until(lambda: not [each for each in it.host.workers if each.name == "inside"])
        seen = len(monitors.asked)
        await it.pilot.pause(0.05)
        assert len(monitors.asked) == seen
        it.pane.display = True
        await it.until(lambda: len(monitors.asked) > seen)


async def test_keys_pressed_quickly_never_lead_back_to_a_view_that_was_left(
    monitors: FakeMonitors, store: Path
) -> None:
    """The tabs' own messages come later than the keys, and name views that were left again."""
    async with shown(DataPane) as it:
        await look(it, store)
        it.pane.query_one("#channels").focus()
        await it.pilot.pause()
        shown_views: list[str] = []
        switcher = it.pane.query_one(ContentSwitcher)
        it.pane.watch(switcher, "current", lambda view: shown_views.append(str(view)), init=False)
        for _ in range(4):
            it.pane.action_view(1)
        await it.until(lambda: it.pane.query_one(Tabs).active == "view-store")
        for _ in range(5):
            await it.pilot.pause()
        assert shown_views == ["messages", "clients", "subscriptions", "store"]
        assert it.host.focused is it.pane.query_one("#store")


async def test_clients_and_subscriptions_are_listed_with_what_waits(monitors: FakeMonitors) -> None:
    async with shown(DataPane) as it:
        await look(it)
        it.pane.query_one("#channels").focus()
        await go_to(it, "clients")
        await it.until(lambda: names(it, "clients") == ["auditor", "w1"])
        assert it.cells(0, "clients")[2] == "1,024"
        await go_to(it, "subscriptions")
        await it.until(lambda: len(names(it, "subscriptions")) == 4)
        assert [it.cells(row, "subscriptions")[1] for row in range(4)] == [
            "offline", "online", "online", "stalled",
        ]  # fmt: skip


async def test_the_store_is_listed_with_its_files(monitors: FakeMonitors, store: Path) -> None:
    async with shown(DataPane) as it:
        await look(it, store)
        it.pane.query_one("#channels").focus()
        await go_to(it, "store")
        await it.until(lambda: it.cells(0, "store")[:4] == ["orders", "250", "1-250", "1"])
        assert "on disk, grows by" in it.says("summary")
        assert str(store) in re.sub(r"\s", "", it.says("summary"))


async def test_the_store_is_looked_at_without_any_active_node(monitors: FakeMonitors, store: Path) -> None:
    async with shown(DataPane) as it:
        await look(it, store, active=None)
        assert it.says("summary").startswith("no node serves (failover)")
        it.pane.query_one("#channels").focus()
        await go_to(it, "store")
        await it.until(lambda: names(it, "store") == ["orders"])
        await it.press("enter")
        await it.until(lambda: len(lines(it)) == 100)


async def test_each_channel_and_durable_shows_what_would_become_of_it(
    monitors: FakeMonitors, tmp_path: Path
) -> None:
    subs = [(1, subscription(1, "dur")), *((5, update(1, each)) for each in (1, 2)), (4, update(1, 1))]
    store = make_store(tmp_path / "store", [slice_of([b"x"] * 5)], subs=subs, channel="orders.eu")
    async with shown(DataPane) as it:
        await look(it, store, active=None)
        it.pane.query_one("#channels").focus()
        await go_to(it, "jetstream")
        await it.until(lambda: names(it, "jetstream") == ["orders.eu", "orders.eu"])
        assert it.cells(0, "jetstream")[1:] == ["-", "stream orders_eu", "1-5", "-", "-"]
        durable = ["client/dur", "consumer client_dur", "3", "1", "online"]
        assert it.cells(1, "jetstream")[1:] == durable
        text, worth = it.says("summary").splitlines()
        assert text == "channels and durables: 2, by channel; 3 findings, see 'migrate plan'"
        assert worth.startswith("the files do not say the server's limits")
        await it.press("y")
        assert it.host.clipboard == "stanlocal --group t migrate plan"


async def test_names_that_collide_are_said_instead(monitors: FakeMonitors, tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", [slice_of([b"x"])], channel="a.b")
    (store / "a_b").mkdir()
    (store / "a_b" / "subs.dat").write_bytes((store / "a.b" / "subs.dat").read_bytes())
    async with shown(DataPane) as it:
        await look(it, store, active=None)
        it.pane.query_one("#channels").focus()
        await go_to(it, "jetstream")
        await it.until(lambda: "would both be the stream 'a_b'" in it.says("summary"))


async def test_silent_monitor_keeps_the_rows_and_shows_the_reason(
    monitors: FakeMonitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stanlocal.tui.widgets.data._EVERY_S", 0.01)
    async with shown(DataPane) as it:
        await look(it)
        monitors.silent = True
        await it.until(lambda: "no answer from http://127.0.0.1:8222" in it.says("summary"))
        assert len(names(it, "channels")) == len(CHANNELS)
        monitors.silent = False
        await it.until(lambda: "t-0 is active" in it.says("summary"))


# Messages


async def test_enter_shows_the_newest_messages_of_a_channel_and_keys_turn_pages(
    monitors: FakeMonitors, store: Path
) -> None:
    async with shown(DataPane) as it:
        await look(it, store)
        it.pane.query_one("#channels").focus()
        await it.press("down", "down", "enter")
        await it.until(lambda: it.says("where") == "orders: 151 to 250 of 1 to 250, as on disk")
        assert lines(it)[-1].endswith("message 250")
        await it.press("less_than_sign")
        await it.until(lambda: it.says("where") == "orders: 51 to 150 of 1 to 250, as on disk")
        await it.press("less_than_sign", "less_than_sign")
        await it.until(lambda: it.says("where") == "orders: 1 to 100 of 1 to 250, as on disk")
        await it.press("y")
        assert it.host.clipboard == "stanlocal --group t store dump orders --from 1 --to 100"
        await it.press("greater_than_sign")
        await it.until(lambda: it.says("where") == "orders: 101 to 200 of 1 to 250, as on disk")
        assert it.group.server.clients == []


async def test_the_message_under_the_cursor_is_shown_in_full(monitors: FakeMonitors, tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", [slice_of([b"x" * 200 + b" the end"])])
    async with shown(DataPane) as it:
        await look(it, store)
        it.pane.query_one("#channels").focus()
        await it.press("down", "down", "enter")
        await it.until(lambda: len(lines(it)) == 1)
        await it.press("home")
        await it.until(lambda: "the end" in it.says("whole"))


async def test_unreadable_files_are_replaced_by_the_active_node(monitors: FakeMonitors) -> None:
    async with shown(DataPane) as it:
        for number in range(5210):
            it.group.server.store("orders", b"%d" % number)
        await look(it)
        it.pane.query_one("#channels").focus()
        await it.press("down", "down", "enter")
        await it.until(
            lambda: it.says("where") == "orders: 5,111 to 5,210 of 1 to 5,210, from the active node"
        )
        assert lines(it)[-1].endswith(" 5209")


async def test_read_only_asks_no_server_for_messages(monitors: FakeMonitors) -> None:
    async with shown(partial(DataPane, read_only=True)) as it:
        await look(it)
        it.pane.query_one("#channels").focus()
        await it.press("enter")
        await it.until(lambda: "cannot read the store /nowhere" in it.says("where"))
        assert it.group.server.clients == []


# Filter, sort, copy


async def test_slash_filters_by_name_and_escape_leads_back_to_the_table(monitors: FakeMonitors) -> None:
    async with shown(DataPane) as it:
        await look(it)
        table = it.pane.query_one("#channels")
        table.focus()
        await it.press("slash", "r", "d")
        await it.until(lambda: names(it, "channels") == ["orders"])
        assert it.says("summary").startswith("channels: 1 with 'rd', by name")
        await it.press("escape")
        assert it.host.focused is table
        await it.press("slash", "backspace", "backspace", "enter")
        await it.until(lambda: len(names(it, "channels")) == 3)
        assert not it.pane.query_one("#filter", Input).has_focus


async def test_t_sorts_by_the_next_column(monitors: FakeMonitors) -> None:
    async with shown(DataPane) as it:
        await look(it)
        it.pane.query_one("#channels").focus()
        await it.press("t")
        assert names(it, "channels") == ["orders", "audit.[b]log[/b]", "empty"]
        assert "by msgs" in it.says("summary")


async def test_many_channels_are_cut_and_counted(monitors: FakeMonitors) -> None:
    monitors.channels = [channel(f"c{number:04}", number) for number in range(MOST + 100)]
    async with shown(DataPane) as it:
        await look(it)
        assert len(names(it, "channels")) == MOST
        assert it.says("summary").startswith(f"channels: {MOST} of {MOST + 100}, by name")


@pytest.mark.parametrize("view", ["channels", "clients", "subscriptions", "store"])
async def test_y_copies_the_command_that_shows_the_same(monitors: FakeMonitors, view: str) -> None:
    async with shown(DataPane) as it:
        await look(it)
        it.pane.query_one("#channels").focus()
        await go_to(it, view)
        await it.press("y")
        assert it.host.clipboard == f"stanlocal --group t {view}"
