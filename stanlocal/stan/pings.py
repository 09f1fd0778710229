"""Pings to the active, of which a late answer counts as much as one in time."""

from __future__ import annotations

import asyncio
from enum import Enum

from stanlocal.stan import wire
from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.errors import BadReply, ServerError, server_error
from stanlocal.stan.link import Link
from stanlocal.stan.requests import Interrupted, NoResponders, Requests
from stanlocal.stan.session import Session

PING_TIMEOUT = 0.5
"""Seconds until the next ping; the active answers within a millisecond unless it is stuck or far away."""

_WAITED_FOR = 8
"""Pings whose answers are still waited for: those of the last four seconds."""


class Verdict(Enum):
    """What a ping found."""

    ACTIVE = "the active answers, and knows us"
    UNKNOWN = "the active answers, and does not know us"
    NOBODY = "nobody listens"
    SILENT = "no answer yet"
    CUT = "no connection"


class Pings:
    """Pings of one doubt. For one asker at a time, who calls `forget` at the end."""

    def __init__(self, link: Link, requests: Requests) -> None:
        self._link = link
        self._requests = requests
        self._waiting: list[asyncio.Future[bytes]] = []

    async def ask(self, session: Session) -> tuple[Verdict, ServerError | None]:
        """Send a ping and wait `PING_TIMEOUT` for the answer to it or to one before."""
        if not self._link.connected:
            self.forget()
            return Verdict.CUT, None
        self._waiting.append(self._requests.post(session.ping_requests, session.ping))
        self._link.outbox.flush()
        await asyncio.wait(self._waiting, timeout=PING_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        answered = next((each for each in self._waiting if each.done()), None)
        if answered is None:
            self._forget(len(self._waiting) - _WAITED_FOR)
            return Verdict.SILENT, None
        self.forget()
        try:
            text = wire.decode(pb.PingResponse, answered.result()).error
        except NoResponders:
            return Verdict.NOBODY, None
        except BadReply:
            return Verdict.SILENT, None
        except Interrupted:
            return Verdict.CUT, None
        if text:
            return Verdict.UNKNOWN, server_error(text, f"ping as {session.client_id!r}")
        return Verdict.ACTIVE, None

    def forget(self) -> None:
        """Wait for no answer any more."""
        self._forget(len(self._waiting))

    def _forget(self, count: int) -> None:
        for each in self._waiting[: max(count, 0)]:
            each.cancel()
        del self._waiting[: max(count, 0)]
