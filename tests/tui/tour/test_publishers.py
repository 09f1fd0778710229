"""The two publishers of a lesson: what a time without service means for each."""

from __future__ import annotations

import pytest

from stanlocal.stan.errors import ConnectionInterrupted
from stanlocal.tui.tour import publishers
from stanlocal.tui.tour.observed import Published
from stanlocal.tui.tour.publishers import CHANNEL, PublisherPair
from tests.support.fake_clients import FakeServing
from tests.tui.waiting import until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishers, "_EVERY_S", 0.001)
    monkeypatch.setattr(publishers, "_RECONNECT_S", 0.001)


async def test_without_retry_messages_fail_and_with_retry_they_wait() -> None:
    server = FakeServing()
    pair = PublisherPair(server.connect)
    assert pair.counts == (Published(), Published())
    pair.run(True)
    await until(lambda: min(each.stored for each in pair.counts) > 3)
    server.serving = False
    await until(lambda: pair.counts[0].failed > 3 and pair.counts[1].waits_s > 0)
    assert (pair.counts[0].error or "").startswith("no active server")
    stored = pair.counts[1].stored
    server.serve()
    await until(lambda: pair.counts[1].stored > stored)
    assert (pair.counts[1].failed, pair.counts[1].error) == (0, None)
    assert pair.counts[1].slowest_s > 0
    assert len(server.channels[CHANNEL]) >= sum(each.stored for each in pair.counts)
    await pair.close()
    assert server.open_clients == []


async def test_a_message_that_cannot_even_be_sent_has_failed() -> None:
    """The publisher stays connected: its client comes back by itself."""
    server = FakeServing()
    pair = PublisherPair(server.connect)
    pair.run(True)
    await until(lambda: min(each.stored for each in pair.counts) > 0)
    for client in server.clients:
        client.refuses = ConnectionInterrupted("not connected to NATS; wait")
    await until(lambda: min(each.failed for each in pair.counts) > 3)
    assert (pair.counts[0].error or "").startswith("not connected")
    assert len(server.clients) == 2
    await pair.close()


async def test_they_connect_once_the_group_serves() -> None:
    server = FakeServing()
    server.serving = False
    pair = PublisherPair(server.connect)
    pair.run(True)
    await until(lambda: all(each.error for each in pair.counts))
    server.serve()
    await until(lambda: min(each.stored for each in pair.counts) > 0)
    await pair.close()


async def test_they_begin_again_with_the_lesson() -> None:
    server = FakeServing()
    pair = PublisherPair(server.connect)
    pair.run(True)
    pair.run(True)
    await until(lambda: min(each.stored for each in pair.counts) > 0)
    assert len(server.open_clients) == 2
    pair.run(False)
    assert pair.counts == (Published(), Published())
    await pair.close()
    assert server.open_clients == []
