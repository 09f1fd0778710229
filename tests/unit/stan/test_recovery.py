"""When a client that doubts its server stays, and when it leaves for another."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import Mock

import pytest

from stanlocal.stan import pings, recovery
from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.recovery import Recovery
from stanlocal.stan.requests import NoResponders

ELSEWHERE = "nats://elsewhere:4222"


class Doubt:
    """A client's search for the active; `answer` is what becomes of each ping, and elsewhere all is well."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.pings: list[asyncio.Future[bytes]] = []
        self.moved: asyncio.Future[str] = self.loop.create_future()
        self.found = asyncio.Event()
        self.answer: Any = lambda ping: None
        link = Mock(connected=True, url="nats://here:4222")
        link.wait_up = link.drain = _nothing
        link.other_urls.return_value = [ELSEWHERE]
        link.ask_elsewhere = self._ask_elsewhere
        link.move_to = self._move
        self.recovery = Recovery(link, Mock(post=self._post))
        self.recovery.session = Mock(pings=True, ping=b"", client_id="c")
        self.recovery.on_lost = lambda: None
        self.recovery.on_active = self._active
        self.recovery.on_end = lambda task: None

    def _post(self, subject: str, payload: bytes) -> asyncio.Future[bytes]:
        ping: asyncio.Future[bytes] = self.loop.create_future()
        self.pings.append(ping)
        self.answer(ping)
        return ping

    async def _ask_elsewhere(self, *asked: object) -> bool:
        return True

    def _move(self, url: str) -> None:
        if not self.moved.done():
            self.moved.set_result(url)

    async def _active(self) -> None:
        self.found.set()


async def _nothing() -> None:
    """There at once."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pings, "PING_TIMEOUT", 0.005)
    for name in ("SCOUT_AFTER", "SCOUT_EVERY"):
        monkeypatch.setattr(recovery, name, 0.0)
    monkeypatch.setattr(recovery, "SILENCE", 0.03)


async def test_a_late_answer_keeps_the_client_where_it_is() -> None:
    """The answer to an earlier ping ends the doubt, however many pings went out since."""
    doubt = Doubt()

    def answer(ping: asyncio.Future[bytes]) -> None:
        if len(doubt.pings) == 3:
            doubt.pings[0].set_result(pb.PingResponse().SerializeToString())

    doubt.answer = answer
    doubt.recovery.suspect(lost=False)
    await doubt.found.wait()
    assert not doubt.moved.done()
    assert all(ping.done() for ping in doubt.pings)


async def test_a_server_without_a_word_is_left_for_one_that_answers() -> None:
    """Only after a while, in which more than one ping stayed without an answer."""
    doubt = Doubt()
    began = doubt.loop.time()
    doubt.recovery.suspect(lost=False)
    assert await doubt.moved == ELSEWHERE
    assert doubt.loop.time() - began >= recovery.SILENCE
    assert len(doubt.pings) > 1
    await doubt.recovery.close()
    assert all(ping.done() for ping in doubt.pings)


async def test_a_server_behind_which_nobody_listens_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`No responders` is evidence: other servers are asked at once, as in a failover."""
    monkeypatch.setattr(recovery, "SILENCE", 60.0)
    doubt = Doubt()
    doubt.answer = lambda ping: ping.set_exception(NoResponders())
    doubt.recovery.suspect(lost=True)
    async with asyncio.timeout(5):
        assert await doubt.moved == ELSEWHERE
    await doubt.recovery.close()


async def test_a_long_silence_does_not_pile_up_pings() -> None:
    """Of all the pings without an answer only the latest are waited for."""
    doubt = Doubt()
    enough = doubt.loop.create_future()
    doubt.answer = lambda ping: enough.set_result(None) if len(doubt.pings) == 20 else None
    doubt.recovery.suspect(lost=False)
    await enough
    assert sum(not ping.done() for ping in doubt.pings) <= pings._WAITED_FOR + 1
    await doubt.recovery.close()
