"""Answers of a server that is shutting down: its store is closed before its connection to NATS is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from stanlocal import stan
from stanlocal.stan._pb import stan_pb2 as pb
from tests.unit.stan.hostile_server import CLUSTER, HostileServer, grant, hostile_server

DISCOVER = f"_STAN.discover.{CLUSTER}"
CLOSING = 'unable to open file "clients.dat", store is being closed'
"""The words of nats-streaming-server 0.25.6, with a file store."""


def in_turn(*answers: bytes) -> Callable[[bytes], bytes]:
    """Answer each request with the next of these, and all that follow with the last."""
    left: Iterator[bytes] = iter(answers)
    return lambda _: next(left, answers[-1])


def requests(server: HostileServer, subject: str) -> int:
    return sum(each == subject for each, _ in server.published)


@pytest.mark.parametrize("text", [CLOSING, "sql: database is closed", "stan: server is shutting down"])
async def test_a_patient_client_asks_again_until_another_server_registers_it(text: str) -> None:
    async with hostile_server() as (server, url):
        server.answers[DISCOVER] = in_turn(grant(error=text), grant(error=text), grant())
        async with stan.connect(url, cluster_id=CLUSTER, retry=True):
            assert requests(server, DISCOVER) == 3


async def test_a_patient_client_gives_up_when_its_time_is_over() -> None:
    async with hostile_server() as (server, url):
        server.answers[DISCOVER] = lambda _: grant(error=CLOSING)
        with pytest.raises(stan.errors.ServerShuttingDown, match="try again once a node is active") as raised:
            await stan.connect(url, cluster_id=CLUSTER, retry=True, request_timeout=0.2)
        assert raised.value.text == CLOSING
        assert requests(server, DISCOVER) > 1


async def test_a_client_that_does_not_retry_reports_it_at_once() -> None:
    async with hostile_server() as (server, url):
        server.answers[DISCOVER] = lambda _: grant(error=CLOSING)
        with pytest.raises(stan.errors.ServerShuttingDown):
            await stan.connect(url, cluster_id=CLUSTER)
        assert requests(server, DISCOVER) == 1


@pytest.mark.parametrize(
    "text", ["stan: clientID already registered", "write clients.dat: no space left on device", "else"]
)
async def test_other_refusals_are_final_for_a_patient_client_too(text: str) -> None:
    async with hostile_server() as (server, url):
        server.answers[DISCOVER] = lambda _: grant(error=text)
        with pytest.raises(stan.errors.ServerError) as raised:
            await stan.connect(url, cluster_id=CLUSTER, retry=True)
        assert raised.value.text == text
        assert requests(server, DISCOVER) == 1


def acknowledged(message: bytes) -> bytes:
    return pb.PubAck(guid=pb.PubMsg.FromString(message).guid).SerializeToString()


def refused(text: str) -> bytes:
    return pb.SubscriptionResponse(error=text).SerializeToString()


async def test_a_patient_client_subscribes_at_the_next_active() -> None:
    async with hostile_server() as (server, url):
        accepted = server.answers["sub"](b"")
        assert accepted is not None
        server.answers["sub"] = in_turn(refused(CLOSING), accepted)
        async with stan.connect(url, cluster_id=CLUSTER, retry=True) as client:
            await client.subscribe("channel")
            assert requests(server, "sub") == 2


@pytest.mark.parametrize("refusing", [DISCOVER, "sub"])
async def test_a_client_that_registers_again_is_not_stopped_by_a_server_that_ends(refusing: str) -> None:
    """A client that the new active does not know registers there; that node ends meanwhile, too."""
    async with hostile_server() as (server, url):
        server.answers["pub.channel"] = acknowledged
        async with asyncio.timeout(10), stan.connect(url, cluster_id=CLUSTER, reconnect=True) as client:
            subscription = await client.subscribe("channel")
            accepted = server.answers[refusing](b"")
            assert accepted is not None
            refusal = refused(CLOSING) if refusing == "sub" else grant(error=CLOSING)
            server.answers[refusing] = in_turn(refusal, refusal, accepted)
            gone = pb.PingResponse(error="client has been replaced or is no longer registered")
            server.answers["ping"] = in_turn(gone.SerializeToString(), b"")
            asked = requests(server, refusing)
            await server.close()  # the client connects again, and pings
            await server.until(lambda: requests(server, refusing) == asked + 3)
            await client.publish("channel", b"x")
            assert client._connection.subscriptions.open == {subscription}
