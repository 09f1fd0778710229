"""Requests and their replies, over one inbox of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

from stanlocal.stan.link import Link, LinkListener
from stanlocal.stan.names import is_subject


class NoResponders(Exception):
    """NATS says that no one listens on the request's subject. Private to the package."""


class Interrupted(Exception):
    """The NATS connection was not there, or dropped before the reply. Private to the package."""


class Requests(LinkListener):
    """Requests over one inbox, whose replies go to their callers; it also has named inboxes."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._inbox = link.new_inbox()
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}
        self._named: dict[bytes, Callable[[str], None]] = {}
        self._numbers = count(1)
        link.listen(self)

    async def open(self) -> None:
        """Subscribe the inbox."""
        await self._link.subscribe(f"{self._inbox}.*", self._received)

    def named_inbox(self, name: str, handler: Callable[[str], None]) -> str:
        """Return a new subject; `handler` is called with the reply subject of each message to it."""
        self._named[name.encode()] = handler
        return f"{self._inbox}.{name}"

    def forget(self, name: str) -> None:
        """Leave messages to that inbox unanswered from now on."""
        self._named.pop(name.encode(), None)

    async def request(self, subject: str, payload: bytes, timeout: float) -> bytes:
        """Return the reply. Raises `NoResponders`, `Interrupted`, `TimeoutError` after `timeout` seconds."""
        if not self._link.connected:
            raise Interrupted
        token = b"%d" % next(self._numbers)
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[token] = reply
        try:
            self._link.publish(subject, payload, f"{self._inbox}.{token.decode()}")
            self._link.write_buffer.flush()
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
                reply.exception()  # retrieved, so that asyncio does not report it

        reply.add_done_callback(answered)
        self._link.publish(subject, payload, f"{self._inbox}.{token.decode()}")
        return reply

    def link_down(self) -> None:
        """Fail the requests: no reply will come over a connection that is gone."""
        self.interrupt()

    def interrupt(self) -> None:
        """Fail every request that waits with `Interrupted`."""
        for reply in list(self._waiting.values()):
            if not reply.done():
                reply.set_exception(Interrupted())

    def _received(self, subject: bytes, data: bytes, reply_to: bytes, no_responders: bool) -> None:
        token = subject[len(self._inbox) + 1 :]
        reply = self._waiting.get(token)
        if reply is not None:
            if not reply.done():
                if no_responders:
                    reply.set_exception(NoResponders())
                else:
                    reply.set_result(data)
        elif (handler := self._named.get(token)) is not None:
            answer_to = reply_to.decode("utf-8", "replace")
            if is_subject(answer_to):
                handler(answer_to)
