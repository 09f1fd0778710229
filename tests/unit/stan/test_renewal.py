"""Subscriptions that are closed while their client is registered again: they stay closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stanlocal import stan
from stanlocal.stan import errors
from stanlocal.stan._pb import stan_pb2 as pb
from tests.unit.stan.hostile_server import CLUSTER, HostileServer, hostile_server

ACCEPTED = pb.SubscriptionResponse(ack_inbox="acks").SerializeToString()
ACCEPTED_AGAIN = pb.SubscriptionResponse(ack_inbox="acks.again").SerializeToString()
UNKNOWN = pb.SubscriptionResponse(error="stan: invalid subscription").SerializeToString()
CLOSED = pb.SubscriptionResponse().SerializeToString()
GONE = pb.PingResponse(error="client has been replaced or is no longer registered").SerializeToString()


def requests(server: HostileServer, subject: str) -> list[bytes]:
    return [payload for each, payload in server.published if each == subject]


def acknowledged(message: bytes) -> bytes:
    return pb.PubAck(guid=pb.PubMsg.FromString(message).guid).SerializeToString()


def closes(server: HostileServer) -> list[str]:
    """The inboxes of the subscriptions that the server was asked to close."""
    return [pb.UnsubscribeRequest.FromString(request).inbox for request in requests(server, "subclose")]


def answer_last(server: HostileServer, subject: str, answer: bytes) -> None:
    """Answer the newest request to a subject that has no answer of its own."""
    request = next(line for line in reversed(server.lines) if line.startswith(f"PUB {subject} ".encode()))
    reply = request.split()[2].decode()
    server.message(server.numbers[f"{reply.rpartition('.')[0]}.*"], reply.encode(), answer)


@asynccontextmanager
async def renewing(
    *channels: str,
) -> AsyncIterator[tuple[HostileServer, stan.Client, list[stan.Subscription]]]:
    """A client that a new active does not know, with the request that renews a subscription unanswered."""
    async with (
        asyncio.timeout(10),
        hostile_server() as (server, url),
        stan.connect(url, cluster_id=CLUSTER, retry=True, reconnect=True) as client,
    ):
        subscriptions = [await client.subscribe(channel) for channel in channels]
        server.answers["ping"] = lambda _: GONE
        del server.answers["sub"]
        await server.close()  # the client connects again, and pings
        await server.until(lambda: len(requests(server, "sub")) == len(channels) + 1)
        server.answers["ping"] = lambda _: b""
        server.answers["pub.channel"] = acknowledged
        yield server, client, subscriptions


async def test_one_that_is_closed_before_its_turn_is_not_subscribed_again() -> None:
    async with renewing("a", "b") as (server, client, subscriptions):
        first = pb.SubscriptionRequest.FromString(requests(server, "sub")[-1]).subject
        renewed, other = sorted(subscriptions, key=lambda each: each.channel != first)
        server.answers["subclose"] = lambda _: UNKNOWN
        with pytest.raises(errors.InvalidSubscription):
            await other.close()
        server.answers["sub"] = lambda _: ACCEPTED_AGAIN
        answer_last(server, "sub", ACCEPTED_AGAIN)
        await client.publish("channel", b"x")  # acknowledged once all is renewed
        assert len(requests(server, "sub")) == 3
        assert client._connection.subscriptions.open == {renewed}
        server.answers["subclose"] = lambda _: CLOSED


async def test_one_that_is_closed_while_it_is_asked_for_again_is_taken_back() -> None:
    async with renewing("a") as (server, client, (subscription,)):
        server.answers["subclose"] = lambda _: UNKNOWN
        with pytest.raises(errors.InvalidSubscription):
            await subscription.close()
        server.answers["subclose"] = lambda _: CLOSED
        answer_last(server, "sub", ACCEPTED_AGAIN)
        await client.publish("channel", b"x")
        inbox = pb.SubscriptionRequest.FromString(requests(server, "sub")[-1]).inbox
        assert closes(server) == ["acks", inbox]
        assert client._connection.subscriptions.open == set()


async def test_one_that_is_renewed_while_it_is_closed_is_closed_at_the_server_too() -> None:
    """The close was about the registration before, which the server does not have."""
    async with renewing("a") as (server, client, (subscription,)):
        del server.answers["subclose"]
        closing = asyncio.create_task(subscription.close())
        await server.until(lambda: closes(server) == ["acks"])
        answer_last(server, "sub", ACCEPTED_AGAIN)
        await client.publish("channel", b"x")
        server.answers["subclose"] = lambda _: CLOSED
        answer_last(server, "subclose", UNKNOWN)
        await closing
        assert closes(server) == ["acks", "acks.again"]
        assert client._connection.subscriptions.open == set()
