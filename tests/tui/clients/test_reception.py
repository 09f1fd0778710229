"""Subscribing from the screen, on a server in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from stanlocal.history.failovers import Failover
from stanlocal.stan.errors import ConnectionLost
from stanlocal.tui.clients.orders import Start, SubscribeOrder
from stanlocal.tui.clients.reception import KEPT, PREVIEW_BYTES, Reception
from tests.support.fake_clients import FakeServing, FakeSubscription
from tests.tui.waiting import until


class Desk:
    """Runs subscriptions on a server in memory."""

    def __init__(self) -> None:
        self.server = FakeServing()
        self.tasks: list[asyncio.Task[None]] = []

    async def subscribe(
        self,
        begin: Start = "all",
        place: str = "",
        *,
        durable: str = "",
        queue: str = "",
        manual_ack: bool = False,
    ) -> Reception:
        order = SubscribeOrder("a", begin, place, durable=durable, queue=queue, manual_ack=manual_ack)
        made = Reception(order, self.server.connect)
        self.tasks.append(asyncio.create_task(made.run()))
        await until(lambda: made.state == "open")
        return made

    def store(self, *payloads: bytes) -> None:
        for payload in payloads:
            self.server.store("a", payload)

    @property
    def subscription(self) -> FakeSubscription:
        """The newest at the server."""
        return self.server.clients[-1].subscriptions[-1]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    for task in desk.tasks:
        task.cancel()
    await asyncio.gather(*desk.tasks, return_exceptions=True)


async def test_messages_are_kept_in_the_order_in_which_they_came(desk: Desk) -> None:
    desk.store(b"one", b"two")
    reception = await desk.subscribe("seq", "2")
    desk.store(b"three")
    await until(lambda: reception.received == 2)
    assert [(each.sequence, each.data, each.again) for each in reception.messages] == [
        (2, b"two", ""),
        (3, b"three", ""),
    ]
    assert (reception.last_sequence, reception.missing, reception.again) == (3, 0, 0)


async def test_memory_is_bounded_in_messages_and_in_bytes(desk: Desk) -> None:
    reception = await desk.subscribe()
    desk.store(*([b"x" * 10_000] * (KEPT + 10)))
    await until(lambda: reception.received == KEPT + 10)
    assert len(reception.messages) == KEPT
    assert reception.messages[0].sequence == 11
    assert reception.messages[0].size == 10_000
    assert len(reception.messages[0].data) == PREVIEW_BYTES


async def test_repeated_messages_are_marked_even_without_the_servers_flag(desk: Desk) -> None:
    desk.store(b"one", b"two")
    reception = await desk.subscribe()
    desk.subscription.deliver(2, redelivery_count=3)
    desk.subscription.deliver(1)
    await until(lambda: reception.received == 4)
    assert [each.again for each in reception.messages] == ["", "", "redelivered 3", "again"]
    assert reception.again == 2


async def test_skipped_sequences_are_counted_until_they_arrive(desk: Desk) -> None:
    desk.store(b"1", b"2", b"3", b"4")
    reception = await desk.subscribe("new")
    desk.subscription.deliver(1)
    desk.subscription.deliver(4)
    await until(lambda: reception.missing == 2)
    desk.subscription.deliver(3)
    await until(lambda: reception.missing == 1)


async def test_a_member_of_a_queue_group_misses_nothing_that_others_got(desk: Desk) -> None:
    desk.store(b"1", b"2", b"3")
    reception = await desk.subscribe("new", queue="q")
    desk.subscription.deliver(1)
    desk.subscription.deliver(3)
    await until(lambda: reception.received == 2)
    assert reception.missing is None
    assert desk.subscription.options["queue_group"] == "q"


async def test_with_manual_ack_messages_wait_to_be_acknowledged_one_by_one_or_all(desk: Desk) -> None:
    desk.store(b"1", b"2", b"3")
    reception = await desk.subscribe(manual_ack=True)
    await until(lambda: reception.unacked == 3)
    await reception.ack(2)
    assert (reception.unacked, reception.is_unacked(2), reception.is_unacked(3)) == (2, False, True)
    await reception.ack(2)
    await reception.ack()
    assert reception.unacked == 0
    assert desk.subscription.acked == [2, 1, 3]


@pytest.mark.parametrize("unsubscribe", [False, True], ids=["close", "unsubscribe"])
async def test_reception_ends_as_asked(desk: Desk, unsubscribe: bool) -> None:
    reception = await desk.subscribe(durable="d")
    reception.stop(unsubscribe=unsubscribe)
    await until(lambda: reception.is_over)
    assert reception.state == ("unsubscribed" if unsubscribe else "closed")
    assert desk.subscription.unsubscribed == unsubscribe
    assert desk.server.open_clients == []


async def test_a_client_that_is_lost_ends_with_the_reason(desk: Desk) -> None:
    reception = await desk.subscribe()
    desk.server.clients[-1].lose(ConnectionLost("client 'x' has been replaced; choose another id"))
    await until(lambda: reception.is_over)
    assert (reception.state, reception.error) == ("ended", "client 'x' has been replaced; choose another id")


async def test_the_silence_around_a_failover_is_what_the_subscriber_felt(desk: Desk) -> None:
    reception = await desk.subscribe()
    desk.store(b"before")
    await until(lambda: reception.received == 1)
    began = datetime.now(UTC)
    await until(lambda: datetime.now(UTC) - began > timedelta(milliseconds=120))
    ready = datetime.now(UTC)
    desk.store(b"after")
    await until(lambda: reception.received == 2)
    gap = reception.gap(_failover(began, ready))
    assert gap is not None
    assert gap.side == "sub"
    assert gap.ms > 100
    assert reception.gap(_failover(began, ready + timedelta(seconds=1))) is None


def _failover(started: datetime, ready: datetime) -> Failover:
    return Failover(
        cause="kill",
        from_node="t-0",
        to_node="t-1",
        started_at=started,
        detected_at=None,
        lock_at=None,
        recovered_at=None,
        ready_at=ready,
    )
