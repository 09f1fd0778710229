"""Pictures of the panes of clients, failovers and data; `--snapshot-update` updates the pictures."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widget import Widget

from stanlocal.api import FTGroup
from stanlocal.history.occurrences import Outage
from stanlocal.outages.gaps import Gap, Side
from stanlocal.store.inspect.overview import overview
from stanlocal.tui.widgets.data import DataPane
from stanlocal.tui.widgets.failovers import FailoversPane
from stanlocal.tui.widgets.publish import PublishPane
from stanlocal.tui.widgets.subscribe import SubscribePane
from stanlocal.tui.widgets.timeline import TimelinePane, TimelineView
from tests.support.stores import make_store, slice_of, subscription
from tests.tui.conftest import until_shown
from tests.tui.data.monitors import FakeMonitors, monitors
from tests.tui.hosting import Desk, FakeGroup, Host
from tests.tui.test_data import go_to, look
from tests.tui.test_failovers import failover
from tests.tui.test_publish import publish
from tests.tui.test_subscribe import subscribe
from tests.tui.test_timeline import STORY

__all__ = ["monitors"]

SIZES = [(80, 24), (120, 40)]
FAILOVERS = [
    failover(0, 1095),
    failover(1, 812, first_ack=840),
    failover(2, 1190, first_ack=1260),
    failover(3, 930, first_ack=955),
]

P = TypeVar("P", bound=Widget)
pytestmark = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


class Compare(Protocol):
    def __call__(self, app: App[None], **how: Any) -> bool: ...


@pytest.fixture(autouse=True)
def _times_stand_still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day are those of Greenwich, and nothing takes any time."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        clients = ("stanlocal.tui.clients.publication", "stanlocal.tui.clients.reception")
        for module in (*clients, "stanlocal.tui.widgets.data", "tests.support.fake_clients"):
            patch.setattr(f"{module}.monotonic", lambda: 100.0)
        patch.setattr("stanlocal.outages.silence.TOLERANCE_NS", 3600 * 10**9)
        patch.setattr("stanlocal.tui.widgets.data._EVERY_S", 0.01)
        yield
    time.tzset()


def picture(
    compare: Compare,
    size: tuple[int, int],
    make: Callable[[FTGroup], P],
    act: Callable[[Desk[P]], Awaitable[None]],
) -> bool:
    """Whether the pane looks as it did after the same acts."""
    group = FakeGroup()
    pane = make(group.real)
    host = Host(pane)

    async def before(pilot: Pilot[None]) -> None:
        await act(Desk(group, pane, pilot, host))
        await pilot.pause()

    return compare(host, terminal_size=size, run_before=before)


def felt(side: Side) -> Gap:
    """Return the gap that a client felt of the third failover."""
    began = FAILOVERS[2].started_at
    return Gap(side, "orders", Outage(began, None, began + timedelta(milliseconds=1260)))


def test_publishing(size: tuple[int, int], snap_compare: Compare) -> None:
    async def act(desk: Desk[PublishPane]) -> None:
        await publish(desk, channel="orders", payload="hello", count="250")
        await publish(desk, channel="bills", payload="", count="3", size="16")
        await desk.until(lambda: [desk.cells(row)[1:2] for row in (0, 1)] == [["done"], ["done"]])
        desk.pane.show(FAILOVERS)
        desk.pane.feel(felt("pub"))
        await desk.press("escape")
        await until_shown(desk.pilot, "kill: t-0")

    assert picture(snap_compare, size, PublishPane, act)


def test_subscribing(size: tuple[int, int], snap_compare: Compare) -> None:
    async def act(desk: Desk[SubscribePane]) -> None:
        for number in range(60):
            desk.group.server.store("orders", b"order %d [b]\x1b[31m" % number)
        await subscribe(desk, durable="d")
        manual = await subscribe(desk, "all", True)
        manual.deliver(59, redelivery_count=2)
        await desk.until(lambda: desk.cells(1)[2] == "61")
        desk.pane.show(FAILOVERS)
        desk.pane.feel(felt("sub"))
        await desk.press("escape")
        await until_shown(desk.pilot, "redelivered 2")

    assert picture(snap_compare, size, SubscribePane, act)


@pytest.mark.parametrize("plot", [False, True], ids=["shown", "v"])
def test_failovers(size: tuple[int, int], plot: bool, snap_compare: Compare) -> None:
    async def act(desk: Desk[FailoversPane]) -> None:
        desk.pane.show(FAILOVERS)
        desk.pane.feel(felt("pub"))
        desk.pane.feel(felt("sub"))
        desk.pane.query_one("#failovers").focus()
        await desk.press("down", *(["v"] if plot else []))

    assert picture(snap_compare, size, FailoversPane, act)


@pytest.mark.parametrize("at", ["newest", "fault"])
def test_the_timeline(size: tuple[int, int], at: str, snap_compare: Compare) -> None:
    async def act(desk: Desk[TimelinePane]) -> None:
        desk.pane.add(STORY)
        desk.pane.query_one(TimelineView).focus()
        if at == "fault":
            await desk.press("home")
        await until_shown(desk.pilot, "7 events")

    assert picture(snap_compare, size, lambda _: TimelinePane(), act)


@pytest.mark.parametrize("view", ["channels", "messages", "clients", "subscriptions", "store", "jetstream"])
def test_data_views(
    size: tuple[int, int],
    view: str,
    snap_compare: Compare,
    monitors: FakeMonitors,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = make_store(
        tmp_path / "store",
        [slice_of(b"message %d" % number for number in range(1, 251))],
        subs=[(1, subscription(1, "d", last_sent=100))],
    )
    monkeypatch.setattr(
        "stanlocal.tui.widgets.data.overview", lambda path: {**overview(path), "store": "/home/me/store"}
    )

    async def act(desk: Desk[DataPane]) -> None:
        await look(desk, store)
        desk.pane.query_one("#channels").focus()
        if view == "messages":
            await desk.press("down", "down", "enter")
            await until_shown(desk.pilot, "message 250")
            await desk.press("up")
        else:
            await go_to(desk, view)
            text = {"store": "grows by", "jetstream": "findings"}.get(view, "redelivered 0/s")
            await desk.until(lambda: text in desk.says("summary"))

    assert picture(snap_compare, size, DataPane, act)
