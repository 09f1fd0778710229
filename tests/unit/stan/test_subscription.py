"""The iteration of a subscription: how long it waits for a message."""

from __future__ import annotations

import math

import pytest

from stanlocal.stan import connect, errors
from stanlocal.stan._pb import stan_pb2 as pb
from tests.unit.stan.hostile_server import hostile_server


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
