"""A channel that a partitioned server does not serve: refused at once where known, else named as a cause."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stanlocal import stan
from stanlocal.stan import errors
from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.names import check_served
from tests.unit.stan.hostile_server import CLUSTER, HostileServer, hostile_server


def acknowledge(payload: bytes) -> bytes:
    return pb.PubAck(guid=pb.PubMsg.FromString(payload).guid).SerializeToString()


def partitioned(server: HostileServer) -> None:
    """Have the server take `served`, and no one take `other`."""
    server.answers |= {"pub.served": acknowledge, "pub.other": lambda _: None}


async def test_a_publish_that_no_server_takes_ends_with_the_likely_cause() -> None:
    """With `retry`: other channels go on, and neither pings nor the message are sent all the time."""
    async with hostile_server() as (server, url):
        partitioned(server)
        async with stan.connect(url, cluster_id=CLUSTER, client_id="me", retry=True) as client:
            other = await client.publish_async("other", b"1", timeout=0.6)
            for _ in range(20):
                await client.publish("served", b"2", timeout=5)
            with pytest.raises(errors.PublishTimeout, match=r"partitioning.*store_limits\.channels"):
                await other
        assert sum(line.startswith(b"PUB pub.other") for line in server.lines) < 10
        assert sum(line.startswith(b"PUB ping") for line in server.lines) < 20


async def test_a_channel_that_no_server_took_is_published_once_one_does() -> None:
    """The active goes away meanwhile, and the next one serves the channel."""
    async with hostile_server() as (server, url):
        partitioned(server)
        async with stan.connect(url, cluster_id=CLUSTER, client_id="me", retry=True) as client:
            ack = await client.publish_async("other", b"1")
            await server.until(lambda: sum(line.startswith(b"PUB pub.other") for line in server.lines) == 2)
            server.answers["ping"] = lambda _: None
            await server.until(lambda: sum(line.startswith(b"PUB ping") for line in server.lines) > 3)
            server.answers |= {"ping": lambda _: b"", "pub.other": acknowledge}
            assert await ack


async def test_without_retry_the_error_names_both_causes() -> None:
    async with hostile_server() as (server, url):
        partitioned(server)
        async with stan.connect(url, cluster_id=CLUSTER, client_id="me") as client:
            with pytest.raises(errors.NoActiveServer, match="no node is active, or with partitioning"):
                await client.publish("other", b"1")


async def test_a_subscription_without_an_answer_names_the_cause() -> None:
    async with hostile_server() as (server, url):
        del server.answers["sub"]
        async with stan.connect(url, cluster_id=CLUSTER, client_id="me", request_timeout=0.2) as client:
            with pytest.raises(errors.SubscribeTimeout, match=r"partitioning.*store_limits\.channels"):
                await client.subscribe("other")


async def test_what_is_known_not_to_be_served_is_refused_before_it_is_sent() -> None:
    async with hostile_server() as (server, url):
        partitioned(server)
        async with stan.connect(
            url, cluster_id=CLUSTER, client_id="me", served_channels=["served"]
        ) as client:
            await client.publish("served", b"1")
            with pytest.raises(errors.NoConfiguredChannel, match=r"'other' is not in store_limits\.channels"):
                await client.publish("other", b"1")
            with pytest.raises(errors.NoConfiguredChannel, match=r"'other' is not in store_limits\.channels"):
                await client.subscribe("other")
        assert not any(b" pub.other" in line for line in server.lines)


@pytest.mark.parametrize(
    ("channel", "served", "is_served"),
    [
        ("a", None, True),
        ("a", [], False),
        ("a", ["a"], True),
        ("a", ["b", "a"], True),
        ("a.b", ["a"], False),
        ("a", ["a.>"], False),
        ("a.b", ["a.>"], True),
        ("a.b.c", ["a.>"], True),
        ("b.b", ["a.>"], False),
        ("a.b", ["a.*"], True),
        ("a.b.c", ["a.*"], False),
        ("a.b.c", ["*.b.*"], True),
        ("a", [">"], True),
        ("a.b", [">"], True),
    ],
)
def test_names_match_as_in_nats(channel: str, served: Sequence[str] | None, is_served: bool) -> None:
    if is_served:
        check_served(channel, served)
    else:
        with pytest.raises(errors.NoConfiguredChannel):
            check_served(channel, served)
