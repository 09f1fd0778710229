"""Requests and their replies, over one inbox of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

from stanlocal.stan.link import Link
from stanlocal.stan.names import is_subject

if TYPE_CHECKING:
    from nats.aio.subscription import Subscription as NatsSubscription


class NoResponders(Exception):
    """NATS says that nobody listens on the request's subject. Private to the package."""


class Interrupted(Exception):
    """The NATS connection was not there, or dropped before the reply. Private to the package."""


class Requests:
    """Sends requests and hands each reply to who asked; also the home of named inboxes."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._inbox = link.new_inbox()
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}
        self._named: dict[bytes, Callable[[str], None]] = {}
        self._numbers = count(1)
        self._subscription: NatsSubscription | None = None

    async def open(self) -> None:
        """Subscribe the inbox."""
        self._subscription = await self._link.subscribe(f"{self._inbox}.*", self._received)

    async def close(self) -> None:
        """Stop the inbox; who still waits is told that the connection is gone."""
        self.interrupt()
        if self._subscription is not None:
            await self._link.unsubscribe(self._subscription)

    def named_inbox(self, name: str, handler: Callable[[str], None]) -> str:
        """A subject of ours; `handler` is given the reply subject of each message to it."""
        self._named[name.encode()] = handler
        return f"{self._inbox}.{name}"

    def forget(self, name: str) -> None:
        """What comes to that inbox from now on is not answered."""
        self._named.pop(name.encode(), None)

    async def request(self, subject: str, payload: bytes, timeout: float) -> bytes:
        """The reply. Raises `NoResponders`, `Interrupted`, or `TimeoutError` after that many seconds."""
        if not self._link.connected:
            raise Interrupted
        token = b"%d" % next(self._numbers)
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[token] = reply
        try:
            self._link.publish(subject, payload, f"{self._inbox}.{token.decode()}")
            self._link.outbox.flush()
            async with asyncio.timeout(timeout):
                return await reply
        finally:
            del self._waiting[token]

    def post(self, subject: str, payload: bytes) -> asyncio.Future[bytes]:
        """Send a request; the future gets its reply, or the reason there is none, and need not be awaited."""
        token = b"%d" % next(self._numbers)
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[token] = reply

        def answered(reply: asyncio.Future[bytes]) -> None:
            del self._waiting[token]
            if not reply.cancelled():
                reply.exception()  # seen: nobody has to

        reply.add_done_callback(answered)
        self._link.publish(subject, payload, f"{self._inbox}.{token.decode()}")
        return reply

    def interrupt(self) -> None:
        """Tell all who wait that no reply will come."""
        for reply in list(self._waiting.values()):
            if not reply.done():
                reply.set_exception(Interrupted())

    def _received(self, subject: bytes, data: bytes, reply_to: bytes, nobody: bool) -> None:
        token = subject[len(self._inbox) + 1 :]
        reply = self._waiting.get(token)
        if reply is not None:
            if not reply.done():
                if nobody:
                    reply.set_exception(NoResponders())
                else:
                    reply.set_result(data)
        elif (handler := self._named.get(token)) is not None:
            answer_to = reply_to.decode("utf-8", "replace")
            if is_subject(answer_to):
                handler(answer_to)
