"""The tool in a container that has the engine's socket: its nodes are the container's siblings."""

from __future__ import annotations

import pytest

from tests.e2e.plugin.job import SOCKET, Job
from tests.support.census import NOTHING, take

pytestmark = pytest.mark.docker


def test_with_the_hosts_network_ports_are_on_the_loopback(job: Job) -> None:
    ran = job.run(SOCKET, job.project.state_home, network="host")
    assert (ran.code, ran.outcomes) == (0, {"passed": 1}), ran.text
    document = job.document()
    assert all(url.startswith("nats://127.0.0.1:") for url in document["client_urls"])
    assert take(job.client, state_home=job.project.state_home, prefix=document["group"]) == NOTHING


@pytest.mark.parametrize("share_state", [True, False], ids=["shared-folders", "volumes"])
def test_in_a_network_of_its_own_ports_are_on_its_gateway(job: Job, share_state: bool) -> None:
    ran = job.run(SOCKET, *([job.project.state_home] if share_state else []))
    assert (ran.code, ran.outcomes) == (0, {"passed": 1}), ran.text
    document = job.document()
    assert ran.gateway
    assert all(url.startswith(f"nats://{ran.gateway}:") for url in document["client_urls"])
    where = str(job.project.state_home) if share_state else f"{document['group']}-store:"
    assert document["store_dir"].startswith(where)
    assert take(job.client, state_home=job.project.state_home, prefix=document["group"]) == NOTHING
