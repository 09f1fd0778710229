"""Messages pulled from a consumer, and acknowledged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from stanlocal.errors import JetStreamError
from stanlocal.migrate.jetstream.connection import JetStream

_GRACE_S = 10.0
"""Seconds for which the answer to a pull may be late."""


class Puller:
    """Pulls from one consumer, and acknowledges what comes."""

    def __init__(self, server: JetStream, stream: str, consumer: str) -> None:
        self._server = server
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._arrived: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._kept: list[str] = []

    async def __aenter__(self) -> Puller:
        self._inbox = self._server.inbox()
        self._subscription = await self._server.adapter.subscribe_raw(self._inbox, self._take)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.adapter.unsubscribe(self._subscription)

    def _take(self, subject: bytes, data: bytes, reply: bytes, headers: bytes) -> None:
        if reply.startswith(b"$JS.ACK."):
            self._arrived.put_nowait(reply)
        elif headers.startswith((b"NATS/1.0 408", b"NATS/1.0 404")):  # the request has ended
            self._arrived.put_nowait(None)

    async def pull(
        self, count: int, timeout: float, *, keep: Callable[[int], bool] = lambda sequence: False
    ) -> list[int]:
        """Return the stream's sequences of up to `count` messages that come within `timeout` seconds.

        They are acknowledged, except those of which `keep` is true.
        """
        request = {"batch": count, "expires": int(timeout * 1e9)}
        client = self._server.adapter.client
        await client.publish(self._subject, json.dumps(request).encode(), reply=self._inbox)
        found: list[int] = []
        try:
            async with asyncio.timeout(timeout + _GRACE_S):
                while len(found) < count:
                    reply = await self._arrived.get()
                    if reply is None:
                        break
                    parts = reply.split(b".")
                    sequence = int(parts[5 if len(parts) == 9 else 7])
                    found.append(sequence)
                    if keep(sequence):
                        self._kept.append(reply.decode())
                    else:
                        await client.publish(reply.decode(), b"+ACK")
        except TimeoutError as error:
            raise JetStreamError(
                f"{self._server.url} did not answer a pull within {timeout:g} s; look at its log"
            ) from error
        return found

    async def give_back(self) -> None:
        """Have the server deliver again at once what was kept."""
        for reply in self._kept:
            await self._server.adapter.client.publish(reply, b"-NAK")
        self._kept.clear()
