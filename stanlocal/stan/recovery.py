"""Finding the active server again.

While there is doubt, one task asks with pings, which the active answers and which NATS answers at
once when nobody listens. The pauses between pings grow with the time the active is away, so a
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
from collections.abc import Awaitable, Callable

from stanlocal.stan.errors import ServerError
from stanlocal.stan.link import Link, log
from stanlocal.stan.pings import PING_TIMEOUT, Pings, Verdict
from stanlocal.stan.requests import Requests
from stanlocal.stan.session import Session

PAUSE_MIN = 0.005
PAUSE_SHARE = 0.01
"""The pause between two pings: this share of the time the active is away already."""

PAUSE_MAX = 0.5

SCOUT_AFTER = 0.25
"""Seconds without an active before other servers are asked."""

SCOUT_EVERY = 0.5

SILENCE = 1.5
"""Seconds without a word from here before other servers are asked; "nobody listens" is a word."""


class Recovery:
    """Runs while there is doubt about the active.

    `on_lost` is told when what was sent will not be answered, `on_active` when the active is there
    and knows us. `on_unknown` is told when it does not, and says whether we are registered anew.
    """

    def __init__(self, link: Link, requests: Requests) -> None:
        self._link = link
        self._requests = requests
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._active = asyncio.Event()
        self._active.set()
        self.session: Session
        self.on_lost: Callable[[], None]
        self.on_active: Callable[[], Awaitable[None]]
        self.on_end: Callable[[asyncio.Task[None]], None]
        self.on_unknown: Callable[[ServerError], Awaitable[bool]]

    @property
    def in_doubt(self) -> bool:
        """Whether the active is being looked for."""
        return self._task is not None

    async def wait_active(self) -> None:
        """Return once the active is there, as far as is known."""
        await self._active.wait()

    def suspect(self, *, lost: bool) -> None:
        """There is doubt; `lost` when what was sent before will certainly not be answered."""
        if lost:
            self._lose()
        if self._task is None:
            self._task = self._loop.create_task(self._run(), name="stan-recovery")
            self._task.add_done_callback(self.on_end)

    def _lose(self) -> None:
        self._active.clear()
        self.on_lost()

    async def close(self) -> None:
        """Stop looking."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task])

    async def ping(self) -> tuple[Verdict, ServerError | None]:
        """Ask the active whether it is there and knows us."""
        pings = Pings(self._link, self._requests)
        try:
            return await pings.ask(self.session)
        finally:
            pings.forget()

    async def _ask(self, pings: Pings) -> tuple[Verdict, ServerError | None]:
        if self.session.pings:
            return await pings.ask(self.session)
        # A server from before pings: there is no asking, only trying again after a while.
        await asyncio.sleep(SCOUT_AFTER)
        return Verdict.ACTIVE, None

    async def _run(self) -> None:
        started = heard = self._loop.time()
        pings = Pings(self._link, self._requests)
        scout: asyncio.Task[str | None] | None = None
        next_scout = started + SCOUT_AFTER
        try:
            while True:
                await self._link.wait_up()
                verdict, refusal = await self._ask(pings)
                if verdict is Verdict.ACTIVE:
                    break
                if verdict is Verdict.UNKNOWN:
                    assert refusal is not None
                    self._lose()
                    if await self.on_unknown(refusal):
                        break
                    return
                now = self._loop.time()
                if verdict is not Verdict.SILENT:
                    self._lose()
                    heard = now
                slow = verdict is Verdict.SILENT and now - heard < SILENCE
                if scout is not None and scout.done():
                    better, scout, next_scout = scout.result(), None, now + SCOUT_EVERY
                    if better is not None and verdict is not Verdict.CUT and not slow:
                        log.info("moving from %s to %s, which reaches the active", self._link.url, better)
                        self._lose()
                        self._link.move_to(better)
                elif scout is None and now >= next_scout and not slow:
                    scout = self._loop.create_task(self._look_elsewhere(), name="stan-scout")
                if verdict is not Verdict.SILENT:
                    await asyncio.sleep(min(PAUSE_MAX, max(PAUSE_MIN, PAUSE_SHARE * (now - started))))
        finally:
            pings.forget()
            if scout is not None:
                scout.cancel()
                await asyncio.wait([scout])
        self._task = None
        self.active_again()
        await self.on_active()

    def active_again(self) -> None:
        """Who waits for the active may go on."""
        self._active.set()

    async def _look_elsewhere(self) -> str | None:
        """The first other server behind which the active answers."""
        urls = self._link.other_urls()
        session = self.session
        asked = [
            self._loop.create_task(
                self._link.ask_elsewhere(url, session.ping_requests, session.ping, PING_TIMEOUT),
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
