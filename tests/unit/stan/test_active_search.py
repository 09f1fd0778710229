"""When a client that doubts its server stays, and when it leaves for another."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.active_search import ActiveSearch, Timing
from stanlocal.stan.pings import WAITED_FOR
from stanlocal.stan.requests import NoResponders
from stanlocal.stan.state import ConnectionState, Listener

ELSEWHERE = "nats://elsewhere:4222"


QUICK = Timing(ping_timeout=0.005, scout_after=0.0, scout_every=0.0, silence=0.03)


class Doubt(Listener):
    """A client's search for the active; `answer` is what becomes of each ping, and elsewhere all is well."""

    def __init__(self, timing: Timing = QUICK) -> None:
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
        self.state = ConnectionState(Mock(pings=True, ping=b"", client_id="c"))
        self.state.listen(self)
        self.recovery = ActiveSearch(link, Mock(post=self._post), self.state, Mock(), timing)

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

    async def active_found(self) -> None:
        self.found.set()


async def _nothing() -> None:
    """There at once."""


async def test_a_late_answer_keeps_the_client_where_it_is() -> None:
    """The answer to an earlier ping ends the doubt, however many pings went out since."""
    doubt = Doubt(replace(QUICK, silence=60.0))

    def answer(ping: asyncio.Future[bytes]) -> None:
        if len(doubt.pings) == 3:
            doubt.pings[0].set_result(pb.PingResponse().SerializeToString())

    doubt.answer = answer
    doubt.state.suspect(lost=False)
    await doubt.found.wait()
    assert not doubt.moved.done()
    assert all(ping.done() for ping in doubt.pings)


async def test_a_silent_server_is_left_for_one_that_answers() -> None:
    """Only after a while, in which more than one ping stayed without an answer."""
    doubt = Doubt()
    began = doubt.loop.time()
    doubt.state.suspect(lost=False)
    assert await doubt.moved == ELSEWHERE
    assert doubt.loop.time() - began >= QUICK.silence
    assert len(doubt.pings) > 1
    await doubt.recovery.close()
    assert all(ping.done() for ping in doubt.pings)


async def test_a_server_behind_which_no_one_listens_is_not_waited_for() -> None:
    """`No responders` is evidence: other servers are asked at once, as in a failover."""
    doubt = Doubt(replace(QUICK, silence=60.0))
    doubt.answer = lambda ping: ping.set_exception(NoResponders())
    doubt.state.suspect(lost=True)
    async with asyncio.timeout(5):
        assert await doubt.moved == ELSEWHERE
    await doubt.recovery.close()


async def test_a_long_silence_does_not_pile_up_pings() -> None:
    """Only the latest pings without an answer are waited for."""
    doubt = Doubt()
    enough = doubt.loop.create_future()
    doubt.answer = lambda ping: enough.set_result(None) if len(doubt.pings) == 20 else None
    doubt.state.suspect(lost=False)
    await enough
    assert sum(not ping.done() for ping in doubt.pings) <= WAITED_FOR + 1
    await doubt.recovery.close()
