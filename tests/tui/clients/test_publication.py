"""Publishing from the screen, on a server in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from stanlocal.outages.gaps import Gap
from stanlocal.tui.clients.orders import PublishOrder
from stanlocal.tui.clients.publication import Publication
from tests.support.fake_clients import FakeServing
from tests.tui.waiting import until


class Desk:
    """Runs publications on a server in memory."""

    def __init__(self) -> None:
        self.server = FakeServing()
        self.felt: list[Gap] = []
        self.tasks: list[asyncio.Task[None]] = []

    def publish(self, payload: str = "x", count: int | None = 1, rate: float | None = None) -> Publication:
        async def felt(gap: Gap) -> None:
            self.felt.append(gap)

        made = Publication(PublishOrder("a", payload, count, rate, 8), self.server.connect, felt)
        self.tasks.append(asyncio.create_task(made.run()))
        return made


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    for task in desk.tasks:
        task.cancel()
    await asyncio.gather(*desk.tasks, return_exceptions=True)


async def test_all_is_published_and_acknowledged(desk: Desk) -> None:
    publication = desk.publish(payload="", count=100)
    await until(lambda: publication.is_over)
    assert (publication.published, publication.acked, publication.failed) == (100, 100, 0)
    assert publication.state == "done"
    assert [data[:3] for data in desk.server.channels["a"][98:]] == [b"98 ", b"99 "]
    assert desk.server.open_clients == []
    assert publication.latency_ms(50) is not None


async def test_publication_goes_on_through_an_outage_and_measures_it(desk: Desk) -> None:
    publication = desk.publish(count=None, rate=500)
    await until(lambda: publication.acked > 5)
    desk.server.serving = False
    await until(lambda: publication.state.startswith("no ack"))
    assert publication.waiting > 0
    desk.server.serve()
    await until(lambda: desk.felt)
    (gap,) = desk.felt
    assert (gap.side, gap.channel) == ("pub", "a")
    assert gap.ms > 100
    assert gap.outage.lost is not None
    assert gap.outage.last_ack <= gap.outage.lost <= gap.outage.first_ack
    before = publication.acked
    await until(lambda: publication.acked > before + 5)
    publication.stop()
    await until(lambda: publication.is_over)
    assert (publication.state, publication.failed) == ("stopped", 0)


async def test_a_rate_is_kept_without_making_up_for_an_outage(desk: Desk) -> None:
    publication = desk.publish(count=None, rate=100)
    await until(lambda: publication.published >= 20)
    loop = asyncio.get_running_loop()
    begin, before = loop.time(), publication.published
    await until(lambda: publication.published >= before + 20)
    assert loop.time() - begin > 0.15


async def test_publication_without_an_active_server_shows_the_reason(desk: Desk) -> None:
    desk.server.serving = False
    publication = desk.publish()
    await until(lambda: publication.is_over)
    assert publication.state == "ended"
    assert publication.error is not None
    assert "no active server" in publication.error


async def test_stopped_without_a_server_it_ends_and_counts_what_was_not_acknowledged(desk: Desk) -> None:
    publication = desk.publish(count=None, rate=500)
    await until(lambda: publication.acked > 0)
    desk.server.serving = False
    await until(lambda: publication.waiting > 3)
    publication.stop()
    await until(lambda: publication.is_over)
    assert publication.failed > 3
    assert publication.acked + publication.failed == publication.published
    assert (publication.state, publication.error) == ("stopped", None)


async def test_without_a_rate_others_get_their_turn(desk: Desk) -> None:
    publication = desk.publish(count=5000)
    turns = 0
    while not publication.is_over:
        await asyncio.sleep(0)
        turns += 1
    assert publication.acked == 5000
    assert turns > 100
