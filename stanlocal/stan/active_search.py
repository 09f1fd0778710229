"""The search for the active server.

While there is doubt, one task asks with pings, which the active answers and which NATS answers at
once when no one listens. The pauses between pings grow with the time the active is away, so a
failover of a second is noticed within 10 ms of its end, and an outage of minutes costs two pings a
second.

A standby that is cut off from the active keeps accepting connections and says "no responders" for
ever. So, after a while, the other servers are asked over short connections of their own, and the
client moves to one that reaches the active. Asking first, instead of moving to see, keeps the
client where it is during an ordinary failover. A server that is merely slow is not left: its late
answers count, and only one that says nothing at all for a while is compared with the others.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from stanlocal.stan.errors import ServerError
from stanlocal.stan.link import Link, log
from stanlocal.stan.pings import PING_TIMEOUT, PingResult, Pings
from stanlocal.stan.requests import Requests
from stanlocal.stan.state import ConnectionState, Listener

PAUSE_MIN = 0.005
PAUSE_SHARE = 0.01
"""Share of the time that the active is away already: the pause between two pings."""

PAUSE_MAX = 0.5


@dataclass(frozen=True, slots=True)
class Timing:
    """The search's waits, in seconds."""

    ping_timeout: float = PING_TIMEOUT
    scout_after: float = 0.25
    """Time without an active before other servers are asked."""
    scout_every: float = 0.5
    silence: float = 1.5
    """Time without any answer before other servers are asked; "no one listens" is an answer."""


class Registrar(Protocol):
    """The part that registers the client again when a server does not know it."""

    async def register_again(self, refusal: ServerError) -> bool:
        """Register the client again; return False if it has been lost instead."""


class ActiveSearch(Listener):
    """The search for the active, which runs while there is doubt and reports what it finds to the state."""

    def __init__(
        self,
        link: Link,
        requests: Requests,
        state: ConnectionState,
        registrar: Registrar,
        timing: Timing | None = None,
    ) -> None:
        self._link = link
        self._requests = requests
        self._state = state
        self._registrar = registrar
        self._timing = timing or Timing()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        state.listen(self)

    @property
    def in_doubt(self) -> bool:
        """Whether the active is being looked for."""
        return self._task is not None

    def active_doubted(self) -> None:
        """Look for the active, unless that is under way."""
        if self._task is None:
            self._task = self._loop.create_task(self._run(), name="stan-active-search")
            self._state.guard(self._task)

    async def close(self) -> None:
        """Stop looking."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task])

    async def ping(self) -> tuple[PingResult, ServerError | None]:
        """Ask the active whether it is there and knows the client."""
        pings = Pings(self._link, self._requests, self._timing.ping_timeout)
        try:
            return await pings.ask(self._state.session)
        finally:
            pings.forget()

    async def _ask(self, pings: Pings) -> tuple[PingResult, ServerError | None]:
        if self._state.session.pings:
            return await pings.ask(self._state.session)
        # A server from before pings cannot be asked: it is tried again after a while.
        await asyncio.sleep(self._timing.scout_after)
        return PingResult.ACTIVE, None

    async def _run(self) -> None:
        timing = self._timing
        started = heard = self._loop.time()
        pings = Pings(self._link, self._requests, timing.ping_timeout)
        scout: asyncio.Task[str | None] | None = None
        next_scout = started + timing.scout_after
        try:
            while True:
                await self._link.wait_up()
                result, refusal = await self._ask(pings)
                if result is PingResult.ACTIVE:
                    break
                if result is PingResult.UNKNOWN:
                    assert refusal is not None
                    self._state.lose_active()
                    if await self._registrar.register_again(refusal):
                        break
                    return
                now = self._loop.time()
                if result is not PingResult.SILENT:
                    self._state.lose_active()
                    heard = now
                slow = result is PingResult.SILENT and now - heard < timing.silence
                if scout is not None and scout.done():
                    better, scout, next_scout = scout.result(), None, now + timing.scout_every
                    if better is not None and result is not PingResult.CUT and not slow:
                        log.info("moving from %s to %s, which reaches the active", self._link.url, better)
                        self._state.lose_active()
                        self._link.move_to(better)
                elif scout is None and now >= next_scout and not slow:
                    scout = self._loop.create_task(self._look_elsewhere(), name="stan-scout")
                if result is not PingResult.SILENT:
                    await asyncio.sleep(min(PAUSE_MAX, max(PAUSE_MIN, PAUSE_SHARE * (now - started))))
        finally:
            pings.forget()
            if scout is not None:
                scout.cancel()
                await asyncio.wait([scout])
        self._task = None
        await self._state.find_active()

    async def _look_elsewhere(self) -> str | None:
        """Return the URL of the first other server behind which the active answers; None if none does."""
        urls = self._link.other_urls()
        session = self._state.session
        asked = [
            self._loop.create_task(
                self._link.ask_elsewhere(url, session.ping_requests, session.ping, self._timing.ping_timeout),
                name="stan-scout",
            )
            for url in urls
        ]
        try:
            answers = await asyncio.gather(*asked)
        finally:
            for task in asked:
                task.cancel()
        return next((url for url, answered in zip(urls, answers, strict=True) if answered), None)
