"""Requests to the streaming server: when they can be sent, how long they wait, and how they fail."""

from __future__ import annotations

import asyncio

from stanlocal.stan.errors import (
    ConnectionInterrupted,
    NoActiveServer,
    RequestTimeout,
    StanError,
    SubscribeTimeout,
)
from stanlocal.stan.link import Link
from stanlocal.stan.options import ClientOptions
from stanlocal.stan.requests import Interrupted, NoResponders, Requests
from stanlocal.stan.state import ConnectionState

_ADVICE: dict[type[RequestTimeout], str] = {
    SubscribeTimeout: "try again; a server with partitioning never answers for a channel that it does not "
    "serve: name the channel in store_limits.channels"
}
"""Next step after a request without an answer, where that is more than to try again."""


class ServerRequests:
    """Requests of a registered client, translated into the client's errors."""

    def __init__(
        self, link: Link, requests: Requests, options: ClientOptions, state: ConnectionState
    ) -> None:
        self._link = link
        self._requests = requests
        self._options = options
        self._state = state
        self._loop = asyncio.get_running_loop()

    def deadline(self) -> float:
        """Return the deadline, in the loop's time, of a request that starts now."""
        return self._loop.time() + self._options.request_timeout

    async def ask(
        self, subject: str, payload: bytes, doing: str, kind: type[RequestTimeout], deadline: float
    ) -> bytes:
        """Send the request once NATS is connected, and return the reply.

        With `retry` it is sent again while no one listens, which certainly had no effect. If no answer comes
        until `deadline` (in the loop's time), raises `kind`; `doing` describes the request in errors.
        """
        while True:
            failure: StanError = ConnectionInterrupted(f"{doing}: not connected to NATS; try again")
            try:
                async with asyncio.timeout_at(deadline):
                    await self._link.wait_up()
                    if self._options.retry:
                        failure = no_active_server(doing, self._options, self._link)
                        await self._state.wait_active()
            except TimeoutError:
                raise failure from None
            if self._state.end_reason is not None:
                raise self._state.end_reason
            try:
                left = deadline - self._loop.time()
                return await self._requests.request(subject, payload, max(left, 0.001))
            except NoResponders:
                self._state.suspect(lost=True)
                if not self._options.retry:
                    raise no_active_server(doing, self._options, self._link) from None
            except TimeoutError as error:
                raise kind(
                    f"{doing}: no answer within {self._options.request_timeout:g} s from "
                    f"{self._link.url}; it may have been done or not, {_ADVICE.get(kind, 'try again')}"
                ) from error
            except Interrupted as error:
                if self._state.end_reason is not None:
                    raise self._state.end_reason from error
                raise ConnectionInterrupted(
                    f"{doing}: the NATS connection dropped; it may have been done or not, try again"
                ) from error

    def post(self, subject: str, payload: bytes) -> asyncio.Future[bytes] | None:
        """Send a request whose reply need not be awaited; None while there is no connection."""
        return self._requests.post(subject, payload) if self._link.connected else None


def no_active_server(doing: str, options: ClientOptions, link: Link) -> NoActiveServer:
    """Return the error for NATS's answer that no one listens."""
    return NoActiveServer(
        f"{doing}: no streaming server for cluster id {options.cluster_id!r} behind {link.url}: the "
        "cluster id is wrong, no node is active, or this is plain NATS; "
        "check the cluster id and the server's log"
    )
