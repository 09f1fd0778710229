"""A JetStream server as a site of a load: clients that publish to streams and pull from consumers."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from stanlocal.drill.load.sites import Delivery
from stanlocal.errors import JetStreamError
from stanlocal.migrate.inventory import Durable
from stanlocal.migrate.jetstream.connection import JetStream, connected
from stanlocal.migrate.naming import Names, consumer_name, stream_name
from stanlocal.migrate.relay.stream_writer import confirmed_sequence
from stanlocal.stan.errors import PublishTimeout, StanError
from stanlocal.stan.nats_adapter import NatsError, NatsSubscription
from stanlocal.stan.start import DeliverAll, StartPosition, StartSequence

_ANSWER_S = 10.0
_BATCH = 256
"""Messages that one pull asks for."""
_PULL_S = 30.0
_INACTIVE_NS = 300 * 10**9
_NAMES = Names()


@dataclass(frozen=True, slots=True)
class _Delivered:
    sequence: int
    data: bytes
    redelivered: bool
    redelivery_count: int


class JetStreamSite:
    """Clients of one server; `async with` closes their connections."""

    def __init__(self, url: str, client_ids: str) -> None:
        self._url = url
        self._client_ids = client_ids
        self._stack = AsyncExitStack()
        self._connecting = asyncio.Lock()
        self.clients: dict[str, JetStreamClient] = {}
        """Clients by name."""

    async def __aenter__(self) -> JetStreamSite:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def client(self, name: str, index: int = 0) -> JetStreamClient:
        async with self._connecting:
            if name not in self.clients:
                server = await self._stack.enter_async_context(connected(self._url))
                self.clients[name] = await JetStreamClient.open(server, f"{self._client_ids}-{name}")
            return self.clients[name]


class JetStreamClient:
    """A client that publishes to the streams of channels, and takes durables from their consumers."""

    def __init__(self, server: JetStream, client_id: str) -> None:
        self.client_id = client_id
        self._server = server
        self._inbox = server.inbox()
        self._numbers = itertools.count(1)
        self._waiting: dict[bytes, asyncio.Future[str]] = {}
        self._open: list[JetStreamSubscription] = []
        self._closed = False

    @classmethod
    async def open(cls, server: JetStream, client_id: str) -> JetStreamClient:
        """Return a client that listens to the answers to what it publishes."""
        client = cls(server, client_id)
        await server.adapter.subscribe_raw(f"{client._inbox}.*", client._answered)
        return client

    @property
    def is_closed(self) -> bool:
        """Whether it was closed, or its connection is lost for good."""
        return self._closed or self._server.adapter.client.is_closed

    async def publish_async(self, channel: str, data: bytes) -> asyncio.Future[str]:
        """Publish without waiting; the result has the sequence, or a `StanError`."""
        loop = asyncio.get_running_loop()
        reply = b"%b.%d" % (self._inbox.encode(), next(self._numbers))
        ack: asyncio.Future[str] = loop.create_future()
        self._waiting[reply] = ack
        timer = loop.call_later(_ANSWER_S, self._unanswered, reply)
        ack.add_done_callback(lambda _: timer.cancel())
        frame = b"PUB %b %b %d\r\n%b\r\n" % (channel.encode(), reply, len(data), data)
        self._server.adapter.write(frame, 1)
        return ack

    def _answered(self, subject: bytes, data: bytes, reply: bytes, headers: bytes) -> None:
        ack = self._waiting.pop(subject, None)
        if ack is None or ack.done():
            return
        sequence = confirmed_sequence(data)
        if sequence is None:
            ack.set_exception(StanError(f"{self._server.url} refused a message: {data[:200]!r}"))
        else:
            ack.set_result(str(sequence))

    def _unanswered(self, reply: bytes) -> None:
        ack = self._waiting.pop(reply, None)
        if ack is not None and not ack.done():
            ack.set_exception(PublishTimeout(f"{self._server.url} gave no answer within {_ANSWER_S:g} s"))

    async def subscribe(
        self,
        channel: str,
        callback: Callable[[Delivery], None],
        *,
        start: StartPosition,
        durable_name: str,
        queue_group: str,
        ack_wait: int,
    ) -> JetStreamSubscription:
        """Take from the durable's consumer, or with no durable from a new one; raises `StanError`."""
        stream = stream_name(channel, _NAMES)
        try:
            if durable_name:
                name = consumer_of(channel, self.client_id, durable_name, queue_group)
                made = await self._server.consumer(stream, name)
                if made is None:
                    raise JetStreamError(f"stream {stream} has no consumer {name}; load the pack again")
            else:
                made = await self._made(stream, start, ack_wait)
            subscription = JetStreamSubscription(self._server, channel, stream, str(made["name"]), callback)
            await subscription.begin()
        except JetStreamError as error:
            raise StanError(str(error)) from error
        self._open.append(subscription)
        return subscription

    async def _made(self, stream: str, start: StartPosition, ack_wait: int) -> dict[str, Any]:
        config: dict[str, Any] = {
            "ack_policy": "explicit",
            "ack_wait": ack_wait * 10**9,
            "deliver_policy": "new",
            "max_ack_pending": 4 * _BATCH,
            "inactive_threshold": _INACTIVE_NS,
            "replay_policy": "instant",
        }
        if isinstance(start, StartSequence) and start.sequence > 0:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": start.sequence}
        elif isinstance(start, DeliverAll | StartSequence):
            config["deliver_policy"] = "all"
        request = {"stream_name": stream, "config": config}
        return await self._server.ask(f"CONSUMER.CREATE.{stream}", request)

    async def close(self) -> None:
        """Close the subscriptions; consumers of durables stay. Does nothing when closed."""
        self._closed = True
        for each in self._open:
            if each.is_open:
                await each.close()


class JetStreamSubscription:
    """One consumer's messages, each acknowledged when the callback returns."""

    def __init__(
        self,
        server: JetStream,
        channel: str,
        stream: str,
        consumer: str,
        callback: Callable[[Delivery], None],
    ) -> None:
        self.channel = channel
        self.is_open = True
        self._server = server
        self._place = f"{stream}.{consumer}"
        self._callback = callback
        self._inbox = server.inbox()
        self._left = 0
        self._ending = False
        self._last_reply = ""
        self._subscription: NatsSubscription | None = None

    async def begin(self) -> None:
        """Listen, and pull the first messages."""
        self._subscription = await self._server.adapter.subscribe_raw(self._inbox, self._take)
        self._pull()

    def _pull(self) -> None:
        self._left = _BATCH
        request = json.dumps({"batch": _BATCH, "expires": int(_PULL_S * 1e9)}).encode()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._place}"
        self._send(subject, request, self._inbox)

    def _send(self, subject: str, data: bytes, reply: str = "") -> None:
        to = f"{subject} {reply}".strip().encode()
        self._server.adapter.write(b"PUB %b %d\r\n%b\r\n" % (to, len(data), data), 1)

    def _take(self, subject: bytes, data: bytes, reply: bytes, headers: bytes) -> None:
        if not reply.startswith(b"$JS.ACK."):
            if not self._ending and headers.startswith(b"NATS/1.0 4"):  # the pull has ended
                self._pull()
            return
        parts = reply.decode().split(".")
        place = 4 if len(parts) == 9 else 6  # with a domain and an account there are two more
        delivered, sequence = int(parts[place]), int(parts[place + 1])
        self._callback(_Delivered(sequence, data, delivered > 1, delivered - 1))
        self._last_reply = reply.decode()
        self._send(self._last_reply, b"+ACK")
        self._left -= 1
        if self._left == 0 and not self._ending:
            self._pull()

    async def close(self, *, drain: bool = False) -> None:
        """Take what is on its way, and return once the server has every acknowledgement.

        With and without `drain` what was taken is acknowledged. Raises `StanError`.
        """
        self._ending = True
        try:
            if self._subscription is not None:
                subscription, self._subscription = self._subscription, None
                await subscription.drain()  # type: ignore[no-untyped-call]
                await self._server.adapter.unsubscribe(subscription)
            if self._last_reply:
                await self._server.send(self._last_reply, b"+ACK")
        except (JetStreamError, NatsError) as error:
            raise StanError(str(error)) from error
        finally:
            self.is_open = False

    async def unsubscribe(self) -> None:
        """Close it, and delete the consumer; raises `StanError`."""
        await self.close()
        try:
            await self._server.ask(f"CONSUMER.DELETE.{self._place}")
        except JetStreamError as error:
            raise StanError(str(error)) from error


def consumer_of(channel: str, client_id: str, durable_name: str, queue_group: str) -> str:
    """Return the name of a durable's consumer."""
    owner = "" if queue_group else client_id
    durable = Durable(owner, durable_name, queue_group, 0, (), 0, 0, online=False)
    return consumer_name(channel, durable, _NAMES)
