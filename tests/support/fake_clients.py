"""A STAN server and its clients in memory: what `FTGroup.connect` gives, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import Any, cast

from stanlocal.errors import StanError
from stanlocal.stan import DeliverAll, LastReceived, PublishAck, StartPosition, StartSequence
from stanlocal.stan.client import Client
from stanlocal.stan.connecting import Connecting
from stanlocal.stan.errors import ConnectionClosed, NoActiveServer
from stanlocal.stan.message import Message

EPOCH = 1_700_000_000_000_000_000
"""Time at which the message before the first was stored, in nanoseconds; then one each millisecond."""


@dataclass
class FakeNats:
    """The part of nats-py's client that is used."""

    server: FakeServing

    @property
    def is_connected(self) -> bool:
        return self.server.serving


class FakeServing:
    """Stores messages and delivers them; `serving` may be taken away and given back, as by a failover."""

    def __init__(self) -> None:
        self.serving = True
        self.channels: dict[str, list[bytes]] = {}
        self.clients: list[FakeClient] = []
        self._held: list[Callable[[], None]] = []

    def connect(self, client_id: str, **options: Any) -> Connecting:
        """Stand in for `FTGroup.connect`."""

        async def start() -> Client:
            await asyncio.sleep(0)
            if not self.serving:
                raise NoActiveServer("no active server for cluster id 'test-cluster'; start one")
            client = FakeClient(self, client_id, options)
            self.clients.append(client)
            return cast(Client, client)

        return Connecting(start)

    def when_serving(self, act: Callable[[], None]) -> None:
        """Act soon, or as soon as a server is back."""
        if self.serving:
            asyncio.get_running_loop().call_soon(act)
        else:
            self._held.append(act)

    def serve(self) -> None:
        """Serve again, and run the actions that wait for a server."""
        self.serving = True
        held, self._held = self._held, []
        for act in held:
            act()

    def store(self, channel: str, data: bytes) -> None:
        stored = self.channels.setdefault(channel, [])
        stored.append(data)
        for client in self.clients:
            client.deliver(channel, len(stored))

    @property
    def open_clients(self) -> list[FakeClient]:
        return [client for client in self.clients if not client.closed]


@dataclass
class FakeClient:
    """A client; see `stanlocal.stan.client.Client`."""

    server: FakeServing
    client_id: str
    options: dict[str, Any]
    closed: bool = False
    subscriptions: list[FakeSubscription] = field(default_factory=list)
    unacked: set[PublishAck] = field(default_factory=set)
    refuses: StanError | None = None
    """Error of every publish, as without a connection."""

    @property
    def nats(self) -> FakeNats | None:
        return None if self.closed else FakeNats(self.server)

    @property
    def is_closed(self) -> bool:
        return self.closed

    async def publish_async(self, channel: str, data: bytes) -> PublishAck:
        if self.refuses:
            raise self.refuses
        ack = PublishAck()
        ack.channel, ack.payload, ack.expected, ack.published = channel, data, b"\x0a\x04guid", monotonic()
        self.unacked.add(ack)
        if self.server.serving or self.options.get("retry", True):
            self.server.when_serving(lambda: self._stored(ack))
        else:
            asyncio.get_running_loop().call_soon(self._failed, ack)
        return ack

    def _failed(self, ack: PublishAck) -> None:
        if not self.closed:
            self.unacked.discard(ack)
            ack.set_exception(NoActiveServer("no active server for cluster id 'test-cluster'; start one"))

    def _stored(self, ack: PublishAck) -> None:
        if not self.closed:
            self.server.store(ack.channel, ack.payload)
            self.unacked.discard(ack)
            ack.set_result(ack.guid)

    async def flush(self) -> None:
        if self.unacked:
            await asyncio.wait(self.unacked)

    async def subscribe(
        self, channel: str, callback: Callable[[Message], None], *, start: StartPosition, **options: Any
    ) -> FakeSubscription:
        await asyncio.sleep(0)
        made = FakeSubscription(self, channel, callback, start, options)
        self.subscriptions.append(made)
        stored = len(self.server.channels.get(channel, []))
        match start:
            case DeliverAll():
                first = 1
            case LastReceived():
                first = max(stored, 1)
            case StartSequence(sequence):
                first = max(sequence, 1)
            case _:
                first = stored + 1
        for sequence in range(first, stored + 1):
            made.deliver(sequence)
        return made

    def deliver(self, channel: str, sequence: int) -> None:
        for each in self.subscriptions:
            if each.channel == channel and each.is_open:
                each.deliver(sequence)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        self.closed = True
        for ack in self.unacked:
            ack.set_exception(ConnectionClosed(f"client {self.client_id!r} is closed; connect again"))

    def lose(self, error: StanError) -> None:
        """Close the client as the server does when it has given it up."""
        self.closed = True
        self.options["on_connection_lost"](self, error)


@dataclass
class FakeSubscription:
    """A subscription; see `stanlocal.stan.subscription.Subscription`."""

    client: FakeClient
    channel: str
    callback: Callable[[Message], None]
    start: StartPosition
    options: dict[str, Any]
    is_open: bool = True
    unsubscribed: bool = False
    acked: list[int] = field(default_factory=list)

    def deliver(self, sequence: int, redelivery_count: int = 0) -> None:
        data = self.client.server.channels[self.channel][sequence - 1]
        message = Message(
            self,
            sequence,
            data,
            EPOCH + sequence * 1_000_000,
            redelivery_count > 0,
            redelivery_count,
        )
        asyncio.get_running_loop().call_soon(self.callback, message)

    async def ack(self, message: Message) -> None:
        self.acked.append(message.sequence)

    async def close(self) -> None:
        self.is_open = False

    async def unsubscribe(self) -> None:
        self.is_open, self.unsubscribed = False, True
