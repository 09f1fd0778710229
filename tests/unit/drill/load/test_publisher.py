"""A publisher of a load, with a client that answers as a test wants."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from stanlocal.drill.ledger.entries import CELL, Header, Kind
from stanlocal.drill.ledger.reader import read
from stanlocal.drill.ledger.writer import Ledger
from stanlocal.drill.load import payload, publisher
from stanlocal.drill.load.load_meter import LoadMeter
from stanlocal.drill.load.publisher import Publisher
from stanlocal.drill.scenario.spec import LoadSpec
from stanlocal.stan.client import Client
from stanlocal.stan.errors import (
    ConnectionInterrupted,
    ConnectionLost,
    NoActiveServer,
    PublishTimeout,
    StanError,
    StoreFailed,
)


class FakeClient:
    """A server that takes messages; each waits for `answer`."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.waiting: list[asyncio.Future[str]] = []
        self.is_closed = False
        self.refusal: StanError | None = None
        self.at_once = False
        self.news = asyncio.Event()

    async def publish_async(self, channel: str, data: bytes) -> asyncio.Future[str]:
        if self.refusal is not None:
            raise self.refusal
        assert channel == "orders"
        self.sent.append(data)
        ack = asyncio.get_running_loop().create_future()
        if self.at_once:
            ack.set_result("guid")
        else:
            self.waiting.append(ack)
        self.news.set()
        return ack

    def answer(self, error: StanError | None = None) -> None:
        ack = self.waiting.pop(0)
        if error is None:
            ack.set_result("guid")
        else:
            ack.set_exception(error)

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not reached():
                self.news.clear()
                await self.news.wait()


class Rig:
    """A publisher, its client and its ledger."""

    def __init__(self, path: Path, load: LoadSpec) -> None:
        self.client = FakeClient()
        self.ledger = Ledger.create(path, Header(load, run=5))
        self.meter = LoadMeter(1)
        self.publisher = Publisher(0, "orders", cast(Client, self.client), self.ledger, self.meter)

    def told(self) -> Counter[Kind]:
        """The kinds of the ledger's events."""
        self.ledger.flush()
        cells = b"".join(cast(bytes, part) for part in read(self.ledger.path).parts())
        return Counter(Kind(cell[-1]) for cell in CELL.iter_unpack(cells))


@pytest.fixture
async def rigged(tmp_path: Path) -> AsyncIterator[Callable[..., Rig]]:
    """Makes rigs; their publishers are ended."""
    rigs: list[Rig] = []

    def make(**load: Any) -> Rig:
        rigs.append(Rig(tmp_path / f"ledger-{len(rigs)}", replace(LoadSpec(publishers=1, window=3), **load)))
        return rigs[-1]

    yield make
    for rig in rigs:
        await rig.publisher.abandon()
        rig.ledger.close()


async def turns(count: int = 5) -> None:
    """Lets whatever is due happen."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_as_acks_come(rigged: Callable[..., Rig]) -> None:
    """The window is always full without a rate; messages are numbered and take the sizes in turns."""
    rig = rigged(sizes=(20, 30))
    rig.publisher.start()
    await turns()
    assert len(rig.client.sent) == 3
    rig.client.answer()
    rig.client.answer()
    await turns()
    assert len(rig.client.waiting) == 3
    assert [payload.read(5, data) for data in rig.client.sent] == [(0, number) for number in range(1, 6)]
    assert [len(data) for data in rig.client.sent] == [30, 20, 30, 20, 30]
    assert rig.told() == {Kind.PUBLISHED: 5, Kind.ACKED: 2}


async def test_stop_waits_for_answers(rigged: Callable[..., Rig]) -> None:
    """`stop` returns once all is answered, and nothing is published after it; a new start numbers on."""
    rig = rigged()
    rig.publisher.start()
    await turns()
    stopping = asyncio.create_task(rig.publisher.stop())
    await turns()
    rig.client.answer()
    rig.client.answer()
    await turns()
    assert not stopping.done()
    rig.client.answer()
    await stopping
    assert len(rig.client.sent) == 3
    rig.publisher.start()
    await turns()
    assert payload.read(5, rig.client.sent[3]) == (0, 4)


async def test_a_stop_that_is_given_up(rigged: Callable[..., Rig]) -> None:
    """A publisher whose stop was cancelled can be started again."""
    rig = rigged()
    rig.publisher.start()
    await turns()
    stopping = asyncio.create_task(rig.publisher.stop())
    await turns()
    stopping.cancel()
    await asyncio.wait([stopping])
    rig.publisher.start()
    rig.client.answer()
    await turns()
    assert len(rig.client.sent) == 4


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PublishTimeout("x"), Kind.UNANSWERED),
        (ConnectionInterrupted("x"), Kind.UNANSWERED),
        (ConnectionLost("x"), Kind.UNANSWERED),
        (NoActiveServer("x"), Kind.REFUSED),
        (StoreFailed("x", "no space left on device"), Kind.REFUSED),
    ],
)
async def test_an_error_decides_the_outcome_of_a_message(
    rigged: Callable[..., Rig], error: StanError, kind: Kind
) -> None:
    """The outcome is unknown if the message may be stored, else the message was refused."""
    rig = rigged()
    rig.publisher.start()
    await turns()
    rig.client.answer(error)
    await turns()
    assert rig.told() == {Kind.PUBLISHED: 3, kind: 1}
    assert rig.meter.stats().failed == 1


async def test_a_refusal_is_not_answered_by_a_flood(rigged: Callable[..., Rig]) -> None:
    """After a refusal it waits before it tries again, also where it is refused at once."""
    rig = rigged()
    rig.client.refusal = StoreFailed("x", "no space left on device")
    rig.publisher.start()
    await turns(100)
    assert rig.told() == {Kind.PUBLISHED: 1, Kind.REFUSED: 1}


async def test_it_tries_again_after_a_refusal(
    rigged: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next try has the next number."""
    monkeypatch.setattr(publisher, "_PAUSE_S", 0.001)
    rig = rigged()
    rig.client.refusal = StoreFailed("x", "no space left on device")
    rig.publisher.start()
    await turns()
    rig.client.refusal = None
    await rig.client.until(lambda: bool(rig.client.sent))
    assert payload.read(5, rig.client.sent[0])[1] > 1  # type: ignore[index]


async def test_a_client_that_is_gone(rigged: Callable[..., Rig]) -> None:
    """A publisher that has failed publishes no more, and can be stopped."""
    rig = rigged()
    rig.client.refusal = ConnectionLost("gone")
    rig.client.is_closed = True
    rig.publisher.start()
    await turns()
    await rig.publisher.stop()
    assert rig.told() == {Kind.PUBLISHED: 1, Kind.UNANSWERED: 1}


async def test_never_faster_than_its_rate(rigged: Callable[..., Rig]) -> None:
    """A publisher has sent no more than its rate allows at any time."""
    rig = rigged(rate=200.0)
    rig.client.at_once = True
    loop = asyncio.get_running_loop()
    began = loop.time()
    rig.publisher.start()
    await rig.client.until(lambda: len(rig.client.sent) >= 25)
    assert len(rig.client.sent) <= (loop.time() - began) * 200 + 1


async def test_a_publisher_does_not_catch_up_after_an_outage(rigged: Callable[..., Rig]) -> None:
    """Once acks come again it goes on at its rate, a little ahead at most."""
    rig = rigged(rate=100.0, window=1)
    loop = asyncio.get_running_loop()
    rig.publisher.start()
    await rig.client.until(lambda: bool(rig.client.waiting))
    await asyncio.sleep(0.3)  # the outage: thirty messages would have been due
    rig.client.at_once = True
    rig.client.answer()
    began = loop.time()
    await rig.client.until(lambda: len(rig.client.sent) >= 12)
    assert loop.time() - began >= 0.04


async def test_abandoned_at_once(rigged: Callable[..., Rig]) -> None:
    """A cancelled publisher waits for no answer, and publishes no more."""
    rig = rigged()
    rig.publisher.start()
    await turns()
    await rig.publisher.abandon()
    rig.client.answer()
    await turns()
    assert len(rig.client.sent) == 3
