"""The subscribe pane: each key, and what is seen of subscriptions and their messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from textual.widgets import Select

from stanlocal.history.failovers import Failover
from stanlocal.stan.errors import ConnectionLost
from stanlocal.tui.clients.reception import KEPT
from stanlocal.tui.widgets.message_view import MessageView
from stanlocal.tui.widgets.subscribe import SubscribePane
from tests.support.fake_clients import FakeSubscription
from tests.tui.hosting import Desk, shown

STATE, GOT, LAST, AGAIN, UNACKED = 1, 2, 3, 4, 6


async def subscribe(
    desk: Desk[SubscribePane], begin: str = "all", by_hand: bool = False, /, **texts: str
) -> FakeSubscription:
    """Fills the form in and sends it; the subscription as the server has it."""
    desk.fill(**{"channel": "orders", **texts})
    desk.pane.query_one("#begin", Select).value = begin
    desk.pane.query_one("#manual-ack", Select).value = by_hand
    desk.host.set_focus(desk.pane.query_one("#channel"))
    row = len(desk.pane.clients)
    await desk.press("enter")
    await desk.until(lambda: desk.cells(row)[STATE:GOT] == ["open"])
    return desk.group.server.clients[-1].subscriptions[-1]


def lines(desk: Desk[SubscribePane]) -> list[str]:
    """The messages that can be seen."""
    view = desk.pane.query_one(MessageView)
    return [view.plain(row) for row in view.rows]


def store(desk: Desk[SubscribePane], *payloads: bytes, channel: str = "orders") -> None:
    for payload in payloads:
        desk.group.server.store(channel, payload)


async def test_messages_of_the_subscription_are_seen_with_their_sequences() -> None:
    async with shown(SubscribePane) as it:
        store(it, b"one", b"two [b]\x1b[31m")
        await subscribe(it)
        store(it, b"three")
        await it.until(lambda: it.cells()[GOT] == "3")
        assert [line.split()[0] for line in lines(it)] == ["1", "2", "3"]
        assert lines(it)[1].endswith("two [b]\\x1b[31m")
        assert it.cells()[LAST : UNACKED + 1] == ["3", "0", "0", "-"]


@pytest.mark.parametrize(
    ("begin", "texts", "command"),
    [
        ("new", {}, "sub orders --new"),
        ("last", {}, "sub orders --last"),
        ("seq", {"place": "2"}, "sub orders --seq 2"),
        ("since", {"place": "5m"}, "sub orders --since 5m"),
        ("all", {"queue": "q"}, "sub orders --all --queue q"),
        (
            "all",
            {"durable": "d"},
            "sub orders --all --durable d --client-id stanlocal-tui-orders-d",
        ),
    ],
)
async def test_every_kind_of_subscription_can_be_asked_for(
    begin: str, texts: dict[str, str], command: str
) -> None:
    async with shown(SubscribePane) as it:
        await subscribe(it, begin, **texts)
        await it.until(lambda: it.says("detail") == f"$ stanlocal {command}")
        await it.press("escape", "y")
        assert it.host.clipboard == f"stanlocal {command}"


async def test_a_place_is_asked_for_only_where_one_is_needed() -> None:
    async with shown(SubscribePane) as it:
        place = it.pane.query_one("#field-place")
        await it.until(lambda: not place.visible)
        it.pane.query_one("#begin", Select).value = "seq"
        await it.until(lambda: place.visible)
        await it.until(lambda: "no sequence" in it.says("says"))


async def test_repeated_messages_are_marked_in_words() -> None:
    async with shown(SubscribePane) as it:
        store(it, b"one", b"two")
        subscription = await subscribe(it)
        subscription.deliver(1, redelivery_count=2)
        subscription.deliver(2)
        await it.until(lambda: it.cells()[GOT] == "4")
        assert "redelivered 2 one" in lines(it)[2]
        assert "again two" in lines(it)[3]
        assert it.cells()[AGAIN] == "2"


async def test_messages_are_acknowledged_by_hand_one_by_one_and_all() -> None:
    async with shown(SubscribePane) as it:
        store(it, b"1", b"2", b"3", b"4")
        subscription = await subscribe(it, "all", True)
        await it.until(lambda: it.cells()[UNACKED] == "4")
        assert all("unacked" in line for line in lines(it))
        it.pane.query_one(MessageView).focus()
        await it.press("up", "enter")
        await it.until(lambda: subscription.acked == [3])
        await it.press("space", "enter")
        await it.until(lambda: subscription.acked == [3, 1])
        assert ["unacked" in line for line in lines(it)] == [False, True, False, True]
        await it.press("A")
        await it.until(lambda: it.cells()[UNACKED] == "0")
        assert subscription.acked == [3, 1, 2, 4]


async def test_automatic_acks_have_no_keys() -> None:
    async with shown(SubscribePane) as it:
        await subscribe(it)
        await it.press("escape")
        assert "A" not in it.host.screen.active_bindings


async def test_the_messages_are_those_of_the_row_under_the_cursor() -> None:
    async with shown(SubscribePane) as it:
        store(it, b"an order")
        store(it, b"a bill", channel="bills")
        await subscribe(it)
        await subscribe(it, channel="bills")
        await it.until(lambda: [line[-6:] for line in lines(it)] == ["a bill"])
        await it.press("escape", "up")
        await it.until(lambda: [line[-8:] for line in lines(it)] == ["an order"])


@pytest.mark.parametrize(("key", "state"), [("x", "closed"), ("U", "unsubscribed")])
async def test_a_subscription_is_closed_or_removed(key: str, state: str) -> None:
    async with shown(SubscribePane) as it:
        subscription = await subscribe(it, durable="d")
        await it.press("escape", key)
        await it.until(lambda: it.cells()[STATE] == state)
        assert subscription.unsubscribed == (state == "unsubscribed")


async def test_lost_client_is_shown_with_the_reason() -> None:
    async with shown(SubscribePane) as it:
        await subscribe(it)
        it.group.server.clients[-1].lose(ConnectionLost("client 'x' has been replaced; choose another id"))
        await it.until(lambda: it.cells()[STATE] == "ended")
        await it.until(lambda: "has been replaced" in it.says("detail"))


async def test_gap_of_a_failover_is_shown_once_for_each_subscription() -> None:
    async with shown(SubscribePane) as it:
        await subscribe(it)
        store(it, b"before")
        await it.until(lambda: it.cells()[GOT] == "1")
        began = datetime.now(UTC)
        await it.until(lambda: (datetime.now(UTC) - began).total_seconds() > 0.15)
        ready = datetime.now(UTC)
        store(it, b"after")
        failover = Failover("kill", "t-0", "t-1", began, None, None, None, ready)
        it.pane.show([failover])
        await it.until(lambda: it.cells(table="felt")[2:] == ["orders", "kill: t-0 → t-1"])
        it.pane.show([failover, replace(failover, cause="stop")])  # two within one outage
        it.pane.refresh_rows()
        await it.until(lambda: it.cells(table="felt")[3] == "stop: t-0 → t-1")
        await it.pilot.pause()  # what is posted is taken a little later than it is shown
        assert [gap.side for gap in it.host.felt] == ["sub"]


async def test_a_flood_leaves_room_for_keys_and_ends_in_bounded_memory() -> None:
    async with shown(SubscribePane) as it:
        await subscribe(it)
        for batch in range(3):
            store(it, *(b"%d %d" % (batch, number) for number in range(1000)))
            await it.press("escape", "n")
            assert it.host.focused is it.pane.query_one("#channel")
        await it.until(lambda: it.cells()[GOT] == "3,000")
        assert len(lines(it)) == KEPT


async def test_read_only_subscribes_to_nothing() -> None:
    async with shown(partial(SubscribePane, read_only=True)) as it:
        it.pane.query_one("#running").focus()
        await it.press("n")
        it.pane.start()
        assert it.group.server.clients == []
