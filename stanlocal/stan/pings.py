"""Pings to the active; a late answer counts as much as one in time."""

from __future__ import annotations

import asyncio
from enum import Enum

from stanlocal.stan import wire
from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.errors import BadReply, ServerError
from stanlocal.stan.link import Link
from stanlocal.stan.refusals import server_error
from stanlocal.stan.requests import Interrupted, NoResponders, Requests
from stanlocal.stan.session import Session

PING_TIMEOUT = 0.5
"""Seconds until the next ping; the active answers within a millisecond unless it is stuck or far away."""

WAITED_FOR = 8
"""Pings whose answers are still waited for: those of the last four seconds."""


class PingResult(Enum):
    """Result of a ping."""

    ACTIVE = "the active answers, and knows the client"
    UNKNOWN = "the active answers, and does not know the client"
    NO_RESPONDERS = "no one listens"
    SILENT = "no answer yet"
    CUT = "no connection"


class Pings:
    """The pings of one search for the active. For one caller at a time, who calls `forget` at the end."""

    def __init__(self, link: Link, requests: Requests, timeout: float = PING_TIMEOUT) -> None:
        self._link = link
        self._requests = requests
        self._timeout = timeout
        self._waiting: list[asyncio.Future[bytes]] = []

    async def ask(self, session: Session) -> tuple[PingResult, ServerError | None]:
        """Send a ping and wait, for at most the timeout, for the answer to it or to one before."""
        if not self._link.connected:
            self.forget()
            return PingResult.CUT, None
        self._waiting.append(self._requests.post(session.ping_requests, session.ping))
        self._link.write_buffer.flush()
        await asyncio.wait(self._waiting, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
        answered = next((each for each in self._waiting if each.done()), None)
        if answered is None:
            self._forget(len(self._waiting) - WAITED_FOR)
            return PingResult.SILENT, None
        self.forget()
        try:
            text = wire.decode(pb.PingResponse, answered.result()).error
        except NoResponders:
            return PingResult.NO_RESPONDERS, None
        except BadReply:
            return PingResult.SILENT, None
        except Interrupted:
            return PingResult.CUT, None
        if text:
            return PingResult.UNKNOWN, server_error(text, f"ping as {session.client_id!r}")
        return PingResult.ACTIVE, None

    def forget(self) -> None:
        """Stop waiting for answers."""
        self._forget(len(self._waiting))

    def _forget(self, count: int) -> None:
        for each in self._waiting[: max(count, 0)]:
            each.cancel()
        del self._waiting[: max(count, 0)]
