"""A server that is reached at another address than that of its URL."""

from __future__ import annotations

import json
from urllib.parse import urlparse

import pytest

from stanlocal import stan
from stanlocal.stan import errors
from tests.unit.stan.hostile_server import CLUSTER, INFO, HostileServer, hostile_server

NAME = "stan-0.stan.default.svc:4222"
"""A name that does not resolve here."""


def address_of(url: str) -> tuple[str, int]:
    parts = urlparse(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def naming_others(server: HostileServer) -> None:
    """Have the server name others, as one of a cluster does."""
    info = {**INFO, "connect_urls": ["10.244.0.7:4222", "10.244.1.9:4222"]}
    server.info = b"INFO " + json.dumps(info).encode() + b"\r\n"


@pytest.mark.parametrize("url", [f"nats://{NAME}", f"nats://user:secret@{NAME}"])
async def test_a_client_connects_to_the_address_and_keeps_the_url(url: str) -> None:
    async with hostile_server() as (server, real):
        addresses = {NAME: address_of(real)}
        async with stan.connect(url, cluster_id=CLUSTER, client_id="me", addresses=addresses) as client:
            assert client.nats is not None
            assert client.nats.connected_url is not None
            assert client.nats.connected_url.hostname == "stan-0.stan.default.svc"
        assert server.connections == 1


async def test_servers_that_a_server_names_are_as_far_away_and_are_left_out() -> None:
    async with hostile_server() as (server, real):
        naming_others(server)
        addresses = {NAME: address_of(real)}
        async with stan.connect(
            f"nats://{NAME}", cluster_id=CLUSTER, client_id="me", addresses=addresses
        ) as client:
            assert client.nats is not None
            assert [each.uri.netloc for each in client.nats._server_pool] == [NAME]
        async with stan.connect(real, cluster_id=CLUSTER, client_id="me") as client:
            assert client.nats is not None
            assert len(client.nats._server_pool) == 3


async def test_a_url_without_an_address_of_its_own_is_taken_as_it_is() -> None:
    others = {NAME: ("127.0.0.1", 1)}
    async with (
        hostile_server() as (_, real),
        stan.connect(real, cluster_id=CLUSTER, client_id="me", addresses=others) as client,
    ):
        assert not client.is_closed


async def test_a_client_that_is_given_has_its_own_addresses() -> None:
    others = {NAME: ("127.0.0.1", 1)}
    async with (
        hostile_server() as (_, real),
        stan.connect(real, cluster_id=CLUSTER, client_id="me") as client,
    ):
        with pytest.raises(errors.InvalidOption, match="either servers and their options, or nats"):
            stan.connect(cluster_id=CLUSTER, client_id="b", nats=client.nats, addresses=others)
