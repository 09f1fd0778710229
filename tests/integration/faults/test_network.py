"""Slow and flaky networks on real servers, and a group that lives with a proxy in its path."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import docker
import pytest

from stanlocal import stan
from stanlocal.api import FTGroup, core_of
from stanlocal.errors import StanError
from stanlocal.faults.base import Fault
from stanlocal.faults.cut import Isolate, Partition
from stanlocal.faults.network import FlakyNetwork, SlowNetwork
from stanlocal.model.states import GroupState
from tests.integration.faults.conftest import kill_half_way
from tests.integration.faults.test_data import stored

pytestmark = pytest.mark.only_on("docker", "processes have no proxy in their path")

LATENCY_MS = 150
ROUND_TRIP_S = 2 * LATENCY_MS / 1000
QUICK_S = 0.25
"""Far more than a publish takes on a network that nothing is done to, also on a busy machine."""


@pytest.fixture
async def group(name: str, nodes: int) -> AsyncIterator[FTGroup]:
    """The module's group, healthy, with a proxy in its path."""
    group = FTGroup(group=name, nodes=nodes, proxied=True)
    await group.up()
    yield group
    await group.close()


async def roles(group: FTGroup) -> tuple[str, str]:
    """The active node and a standby."""
    status = (await group.look()).status
    assert status.active is not None
    return status.active, next(node.name for node in status.nodes if node.usable_standby)


async def publish_s(group: FTGroup, node: str, size: int = 8) -> float:
    """Seconds from a publish by way of that node to its ack."""
    plan, _ = await (await core_of(group)).find()
    url = plan.client_url(plan.node(node))
    async with stan.connect(url, cluster_id=plan.cluster_id, client_id=f"t-{node}", retry=True) as client:
        began = asyncio.get_running_loop().time()
        await client.publish("timed", bytes(size), timeout=20)
        return asyncio.get_running_loop().time() - began


async def healthy(group: FTGroup) -> None:
    await group.heal()
    await group.wait_state(GroupState.HEALTHY, timeout=20)


async def test_a_slow_network_delays_clients_of_its_target_alone_until_it_is_healed(group: FTGroup) -> None:
    active, standby = await roles(group)
    assert await publish_s(group, active) < QUICK_S
    injected = await group.inject(SlowNetwork(latency_ms=LATENCY_MS), active)
    record = await injected.outcome()
    assert record.as_expected is True, (record.expected, record.observed)
    assert ROUND_TRIP_S <= await publish_s(group, active) < ROUND_TRIP_S + QUICK_S
    assert await publish_s(group, standby) < QUICK_S
    await injected.heal()
    assert await publish_s(group, active) < QUICK_S


@pytest.mark.slow
async def test_between_nodes_it_delays_what_goes_by_way_of_a_standby(group: FTGroup) -> None:
    active, standby = await roles(group)
    injected = await group.inject(SlowNetwork("nodes", latency_ms=LATENCY_MS), standby)
    assert await publish_s(group, active) < QUICK_S
    assert ROUND_TRIP_S <= await publish_s(group, standby) < ROUND_TRIP_S + QUICK_S
    assert (await injected.outcome()).as_expected is True
    await injected.heal()
    assert await publish_s(group, standby) < QUICK_S


@pytest.mark.slow
async def test_a_narrow_one_lets_large_messages_through_little_by_little(group: FTGroup) -> None:
    active, _ = await roles(group)
    await group.inject(SlowNetwork(latency_ms=0, bandwidth_kb=100), active)
    assert await publish_s(group, active, 100_000) >= 0.9
    await group.heal()
    assert await publish_s(group, active, 100_000) < QUICK_S


async def test_on_connections_that_break_all_the_time_no_acknowledged_message_is_lost(group: FTGroup) -> None:
    plan, _ = await (await core_of(group)).find()
    channel = f"flaky-{len(plan.nodes)}"
    sent = [f"{number:04}".encode() + bytes(1000) for number in range(40)]
    injected = await group.inject(FlakyNetwork(reset_percent=10, limit_kb=8))
    async with asyncio.timeout(60), group.connect("flaky", ack_timeout=1) as client:
        for message in sent:
            await client.publish(channel, message, timeout=30)
    assert (await injected.outcome()).as_expected is True
    await healthy(group)
    assert sorted(set(await stored(group, channel))) == sent


@pytest.mark.slow
async def test_no_client_is_served_while_every_connection_is_reset(group: FTGroup) -> None:
    await group.inject(FlakyNetwork(reset_percent=100, limit_kb=None))
    with pytest.raises(StanError):
        async with group.connect("nobody", request_timeout=1, retry=False):
            pass
    await healthy(group)
    async with group.connect("somebody") as client:
        await client.publish("reset", b"1")


@pytest.mark.slow
async def test_silence_between_nodes_has_standbys_try_for_the_lock_in_vain(group: FTGroup) -> None:
    active, standby = await roles(group)
    injected = await group.inject(FlakyNetwork("nodes", 0, 100, None), active)
    core = await core_of(group)
    await asyncio.wait_for(_until_said(group, standby, "unable to get store lock"), 10)
    assert (await injected.outcome()).as_expected is True
    assert (await core.look()).status.active == active
    await healthy(group)
    assert await publish_s(group, standby) < QUICK_S


async def _until_said(group: FTGroup, node: str, what: str) -> None:
    since = len(await group.logs([node]))
    async for batch in (await core_of(group)).follow_logs([node]):
        since -= len(batch)
        if since < 0 and any(what in line.line.text for line in batch):
            return


@pytest.mark.parametrize("fault", [SlowNetwork.name, FlakyNetwork.name])
async def test_killed_half_way_it_is_healed_by_the_next_change(
    group: FTGroup, name: str, fault: str, docker_client: docker.DockerClient
) -> None:
    kill_half_way(name, fault, before="effect")
    assert [each["name"] for each in (await group.document())["faults"]] == [fault]
    assert toxics(docker_client, name) > 0
    await group.unpause("@all")
    assert (await group.document())["faults"] == []
    assert toxics(docker_client, name) == 0


def toxics(client: docker.DockerClient, group: str) -> int:
    """Number of connections that the proxy reports."""
    told = client.containers.get(f"{group}-proxy").exec_run(["/toxiproxy-cli", "list"]).output
    assert isinstance(told, bytes)
    return sum(int(line.rsplit("\t", 1)[1]) for line in told.decode().splitlines())


# A group with a proxy in its path


@pytest.mark.parametrize(
    ("cut", "state"), [(Partition(), GroupState.DEGRADED), (Isolate(), GroupState.BLOCKED)]
)
async def test_nodes_are_cut_off_behind_the_proxy_too(group: FTGroup, cut: Fault, state: GroupState) -> None:
    injected = await group.inject(cut, "@active")
    record = await injected.outcome()
    assert record.as_expected is True, record.observed
    assert (await group.look()).status.state is state
    await healthy(group)
    active, standby = await roles(group)
    assert await publish_s(group, active) < QUICK_S
    assert await publish_s(group, standby) < 1


async def test_it_fails_over_and_keeps_its_ports_while_a_node_is_down(group: FTGroup) -> None:
    before = (await group.look()).plan
    fault = await group.kill("@active")
    failover = await fault.failover()
    assert failover.detected_at is not None
    assert (await group.up()).plan == before
    async with group.connect("after") as client:
        await client.publish("after", b"1")


async def test_its_control_port_can_be_reached_from_nowhere_but_inside(
    group: FTGroup, name: str, docker_client: docker.DockerClient
) -> None:
    await group.look()
    proxy = docker_client.containers.get(f"{name}-proxy")
    settings = proxy.attrs["NetworkSettings"]
    assert settings["Ports"].get("8474/tcp") is None
    for network in settings["Networks"].values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((network["IPAddress"], 8474), timeout=2)


@pytest.mark.slow
async def test_a_proxy_that_ended_is_brought_back_by_up(
    group: FTGroup, name: str, docker_client: docker.DockerClient
) -> None:
    """A fault that acted by it is over with it."""
    injected = await group.inject(SlowNetwork())
    docker_client.containers.get(f"{name}-proxy").kill()
    assert not (await injected.heal()).in_force
    await group.up()
    active, _ = await roles(group)
    assert await publish_s(group, active) < QUICK_S


@pytest.mark.slow
async def test_it_goes_with_the_group(group: FTGroup, name: str, docker_client: docker.DockerClient) -> None:
    await group.down(timeout=0)
    assert docker_client.containers.list(all=True, filters={"name": f"{name}-"}) == []
    assert (await group.up()).plan.proxied
