"""A STAN server that does what a test wants, behind a real NATS server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg

from stanlocal.stan._pb import stan_pb2 as pb

Answer = Callable[[bytes], bytes | Sequence[bytes] | None]
"""Returns the reply to a request, several replies, or None for none."""


class FakeStan:
    """Answers requests by `answers`; by default it accepts everything."""

    def __init__(self, nats: NatsClient, cluster_id: str) -> None:
        self._nats = nats
        self.cluster_id = cluster_id
        self.seen: dict[str, list[bytes]] = {}
        self.replies: list[tuple[str, bytes]] = []
        """Subject and data of every reply."""
        self.published: list[pb.PubMsg] = []
        self.subscriptions: list[pb.SubscriptionRequest] = []
        self.connects: list[pb.ConnectRequest] = []
        self.pings = True
        self.answers: dict[str, Answer] = {
            "connect": self.accept,
            "ping": lambda _: b"",
            "sub": self._subscribe,
            "unsub": lambda _: pb.SubscriptionResponse().SerializeToString(),
            "subclose": lambda _: pb.SubscriptionResponse().SerializeToString(),
            "close": lambda _: pb.CloseResponse().SerializeToString(),
            "pub": self._publish,
        }

    async def open(self) -> None:
        mine = self.cluster_id
        subjects = {
            "connect": f"_STAN.discover.{mine}",
            "ping": f"fake.{mine}.ping",
            "sub": f"fake.{mine}.sub",
            "unsub": f"fake.{mine}.unsub",
            "subclose": f"fake.{mine}.subclose",
            "close": f"fake.{mine}.close",
            "pub": f"fake.{mine}.pub.>",
        }
        for name, subject in subjects.items():
            await self._nats.subscribe(subject, cb=self._handler(name))
        await self._nats.flush()

    def _handler(self, name: str) -> Any:
        async def handle(message: Msg) -> None:
            self.seen.setdefault(name, []).append(message.data)
            reply = self.answers[name](message.data)
            if reply is None or not message.reply:
                return
            for each in [reply] if isinstance(reply, bytes) else reply:
                self.replies.append((message.reply, each))
                await self._nats.publish(message.reply, each)

        return handle

    def accept(self, data: bytes) -> bytes:
        """Accept a client, as a server of the usual version does."""
        request = pb.ConnectRequest.FromString(data)
        self.connects.append(request)
        base = f"fake.{self.cluster_id}"
        return pb.ConnectResponse(
            pub_prefix=f"{base}.pub",
            sub_requests=f"{base}.sub",
            unsub_requests=f"{base}.unsub",
            sub_close_requests=f"{base}.subclose",
            close_requests=f"{base}.close",
            ping_requests=f"{base}.ping" if self.pings else "",
            ping_interval=request.ping_interval,
            ping_max_out=request.ping_max_out,
            protocol=1,
        ).SerializeToString()

    def _subscribe(self, data: bytes) -> bytes:
        request = pb.SubscriptionRequest.FromString(data)
        self.subscriptions.append(request)
        return pb.SubscriptionResponse(ack_inbox=f"fake.{self.cluster_id}.acks").SerializeToString()

    def _publish(self, data: bytes) -> bytes:
        message = pb.PubMsg.FromString(data)
        self.published.append(message)
        return pb.PubAck(guid=message.guid).SerializeToString()

    async def deliver(self, inbox: str, data: bytes) -> None:
        """Send bytes to a subscription's inbox and wait until NATS has them."""
        await self._nats.publish(inbox, data)
        await self._nats.flush()


@asynccontextmanager
async def fake_stan(url: str, cluster_id: str) -> AsyncIterator[FakeStan]:
    """A fake server for that cluster id, behind the NATS server at `url`."""
    connection = await nats.connect(url)
    try:
        server = FakeStan(connection, cluster_id)
        await server.open()
        yield server
        await connection.drain()
    finally:
        await connection.close()
