"""The check that a consumer delivers what is unacknowledged first, and then the next message."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from stanlocal.errors import JetStreamError
from stanlocal.migrate.jetstream.connection import JetStream
from stanlocal.migrate.stream_plan import ConsumerPlan, StreamPlan

_BATCH = 100
_GRACE_S = 10.0
"""Seconds after the ack wait within which the server begins to deliver again."""


@dataclass(slots=True)
class Redelivery:
    """What a consumer delivered, compared with what its durable would have."""

    consumer: str
    stream: str
    unacknowledged: int
    """Number of messages that had to come again."""
    problems: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "consumer": self.consumer,
            "unacknowledged": self.unacknowledged,
            "ok": not self.problems,
            "problems": self.problems,
        }


async def check_redelivery(stream: StreamPlan, consumer: ConsumerPlan, server: JetStream) -> Redelivery:
    """Consume and acknowledge a consumer's messages, up to the first that was never delivered.

    Waits for the ack wait at most, and some seconds more. This moves the consumer: for a rehearsal only.
    Raises `JetStreamError`.
    """
    found = Redelivery(consumer.name, stream.name, len(consumer.pending))
    reader = _Puller(server, stream.name, consumer.name)
    wait = consumer.durable.ack_wait / 1e9 + _GRACE_S
    wanted = list(consumer.pending)
    has_next = consumer.delivered < stream.channel.last_sequence
    again: list[int] = []
    async with reader:
        while len(again) < len(wanted):
            got = await reader.pull(min(_BATCH, len(wanted) - len(again)), wait)
            again += got
            if not got:
                break
        following = await reader.pull(1, _GRACE_S) if has_next and len(again) == len(wanted) else []
    missing, foreign = set(wanted) - set(again), set(again) - set(wanted)
    if missing:
        found.problems.append(f"{len(missing)} unacknowledged messages did not come again: {_some(missing)}")
    if foreign:
        found.problems.append(f"{len(foreign)} others came before them: {_some(foreign)}")
    if len(set(again)) < len(again):
        found.problems.append(f"{len(again) - len(set(again))} came twice, though they were acknowledged")
    came = following[0] if following else None
    if has_next and not missing and (came is None or came <= consumer.delivered):
        found.problems.append(f"then came {came or 'nothing'}, not what follows {consumer.delivered}")
    return found


def _some(sequences: set[int]) -> str:
    return ", ".join(map(str, sorted(sequences)[:5])) + (", …" if len(sequences) > 5 else "")


class _Puller:
    """Pulls from one consumer, and acknowledges what comes."""

    def __init__(self, server: JetStream, stream: str, consumer: str) -> None:
        self._server = server
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._arrived: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def __aenter__(self) -> _Puller:
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

    async def pull(self, count: int, timeout: float) -> list[int]:
        """Return the stream's sequences of up to `count` messages that come within `timeout` seconds."""
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
                    found.append(int(parts[5 if len(parts) == 9 else 7]))
                    await client.publish(reply.decode(), b"+ACK")
        except TimeoutError as error:
            raise JetStreamError(
                f"{self._server.url} did not answer a pull within {timeout:g} s; look at its log"
            ) from error
        return found
