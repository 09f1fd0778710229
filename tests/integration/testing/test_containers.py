"""`NatsStreamingFTContainer` on Docker, as tests with testcontainers use it."""

from __future__ import annotations

import docker
import pytest

from stanlocal import sync
from stanlocal.testing.containers import NatsStreamingFTContainer
from tests.support.census import NOTHING, take

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("server_image")]


def test_a_client_publishes_through_a_failover_and_nothing_is_left(
    docker_client: docker.DockerClient,
) -> None:
    with NatsStreamingFTContainer(engine="docker") as container:
        name = container.group.look().plan.group
        url, cluster_id = container.get_connection_url(), container.get_cluster_id()
        with sync.stan.connect(url, cluster_id=cluster_id, retry=True) as client:
            client.publish("orders", b"before")
            with container.group.during_failover():
                client.publish("orders", b"meanwhile")
    assert take(docker_client, prefix=name) == NOTHING
