"""A subscription: how long its iteration waits, and which messages of its callback are acknowledged."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest

from stanlocal.stan import Client, Message, connect, errors
from stanlocal.stan._pb import stan_pb2 as pb
from tests.unit.stan.hostile_server import HostileServer, hostile_server


async def test_an_iteration_that_waits_too_long_says_for_what_and_can_go_on() -> None:
    """The message that comes late is there at the next try."""
    async with hostile_server() as (server, url):
        client = await connect(url, cluster_id="c", ping_interval=60, next_timeout=60)
        subscription = await client.subscribe("channel", next_timeout=0.01)
        with pytest.raises(errors.MessageTimeout, match=r"no message on 'channel' within 0\.01 s, after 0"):
            await anext(subscription)
        inbox = list(server.numbers)[-1]
        server.message(server.numbers[inbox], inbox.encode(), pb.MsgProto(sequence=7).SerializeToString())
        server.send(b"PING\r\n")
        await server.until(lambda: server.lines[-1] == b"PONG\r\n")
        assert (await anext(subscription)).sequence == 7
        with pytest.raises(errors.MessageTimeout, match="after 1 before"):
            await anext(subscription)
        await client.close()


@pytest.mark.parametrize(
    ("of_client", "given", "waits"), [(None, None, None), (5, None, 5), (5, 2, 2), (5, math.inf, math.inf)]
)
async def test_a_subscription_waits_as_long_as_its_client_unless_it_says_otherwise(
    of_client: float | None, given: float | None, waits: float | None
) -> None:
    async with hostile_server() as (_, url):
        client = await connect(url, cluster_id="c", ping_interval=60, next_timeout=of_client)
        subscription = await client.subscribe("channel", next_timeout=given)
        assert subscription.options.next_timeout == waits
        await client.close()


@pytest.mark.parametrize("seconds", [0, -1, math.nan])
async def test_an_impossible_time_is_refused(seconds: float) -> None:
    async with hostile_server() as (_, url):
        with pytest.raises(errors.InvalidOption, match=r"next_timeout .* is too small"):
            await connect(url, cluster_id="c", next_timeout=seconds)
        client = await connect(url, cluster_id="c", ping_interval=60)
        with pytest.raises(errors.InvalidOption, match=r"next_timeout .* is too small"):
            await client.subscribe("channel", next_timeout=seconds)
        await client.close()


def acknowledged(server: HostileServer) -> list[int]:
    """The sequences of the acks that the server got."""
    return [pb.Ack.FromString(payload).sequence for subject, payload in server.published if subject == "acks"]


async def deliver(
    server: HostileServer, url: str, callback: Callable[[Message], Awaitable[None] | None], last: int
) -> Client:
    """Deliver messages 1 to `last` in one piece; return the client that gets them."""
    client = await connect(url, cluster_id="c", ping_interval=60)
    await client.subscribe("channel", callback)
    inbox, number = list(server.numbers.items())[-1]
    for sequence in range(1, last + 1):
        server.message(number, inbox.encode(), pb.MsgProto(sequence=sequence).SerializeToString())
    return client


async def test_while_a_callback_waits_all_messages_before_are_acknowledged() -> None:
    """What was processed is not kept back until a slow message is processed too."""
    async with hostile_server() as (server, url):
        released = asyncio.Event()

        async def callback(message: Message) -> None:
            if message.sequence == 4:
                await released.wait()

        client = await deliver(server, url, callback, 6)
        await server.until(lambda: len(acknowledged(server)) == 3)
        assert acknowledged(server) == [1, 2, 3]
        released.set()
        await server.until(lambda: len(acknowledged(server)) == 6)
        assert acknowledged(server) == [1, 2, 3, 4, 5, 6]
        await client.close()


async def test_a_message_whose_callback_raised_is_not_acknowledged_and_those_around_it_are() -> None:
    async with hostile_server() as (server, url):

        def callback(message: Message) -> None:
            if message.sequence in (2, 5):
                raise ValueError("not now")

        client = await deliver(server, url, callback, 6)
        await server.until(lambda: len(acknowledged(server)) == 4)
        assert acknowledged(server) == [1, 3, 4, 6]
        await client.close()
