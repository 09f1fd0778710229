"""A rehearsal whose JetStream server is a container: its verdict, and that nothing of it stays."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from stanlocal.engine.docker.jetstream_server import PROCESS, JetStreamContainer
from stanlocal.engine.docker.reach import default_gateway, published_addresses
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.plan import MigrationPlan, make_plan
from stanlocal.migrate.rehearsal import rehearse
from tests.support.cli import ROOT
from tests.support.stores import make_store, slice_of, subscription, update

pytestmark = pytest.mark.docker


@pytest.fixture
def plan(tmp_path: Path) -> MigrationPlan:
    """A store with two unacknowledged messages, and an ack wait of a second."""
    subs = [(1, subscription(1, "dur")), *((5, update(1, each)) for each in (1, 2, 3)), (4, update(1, 2))]
    store = make_store(tmp_path / "store", [slice_of([b"%d" % number for number in range(50)])], subs=subs)
    made = make_plan(take_inventory(store))
    [stream] = made.streams
    [consumer] = stream.consumers
    impatient = replace(consumer, durable=replace(consumer.durable, ack_wait=10**9))
    return replace(made, streams=(replace(stream, consumers=(impatient,)),))


def _servers(client: docker.DockerClient) -> list[str]:
    return [each.labels[PROCESS] for each in client.containers.list(all=True, filters={"label": PROCESS})]


def _ended_process() -> str:
    """The identity of a process that has ended."""
    code = "from stanlocal.lifecycle.orphans import this_process; print(this_process())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


async def test_a_rehearsal_in_docker_is_ok_and_leaves_no_server(
    plan: MigrationPlan, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    """One that a killed tool left is removed, too."""
    first = await rehearse(plan, tmp_path / "first", engine="docker")
    assert (first.problems(), first.ok, first.version[:5]) == ([], True, "2.15.")
    ended = _ended_process()
    left = JetStreamContainer(docker_client.api, owner=str(os.getuid()), process=ended)
    left.make(list(published_addresses(docker_client.api.base_url, default_gateway())), 1 << 20, 1 << 30)
    assert ended in _servers(docker_client)
    second = await rehearse(plan, tmp_path / "second", engine="docker")
    assert second.ok
    assert ended not in _servers(docker_client)
    assert not any(f" {os.getpid()} " in each for each in _servers(docker_client))
