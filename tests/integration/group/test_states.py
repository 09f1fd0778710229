"""Each state of a node and of a group, as the real engine and the real server bring it about."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import docker
import pytest

from stanlocal import stan
from stanlocal.api import FTGroup, core_of
from stanlocal.group.core import Look
from stanlocal.history.timeline import Event
from stanlocal.machine.locks import LOCK_FILE
from stanlocal.model.states import GroupState, NodeState
from stanlocal.monitor.client import fetch


@pytest.fixture
async def up(shared: FTGroup) -> Look:
    """The group, healthy."""
    return await shared.up()


def other(look: Look, node: str | None) -> str:
    """The node of a pair that is not this one."""
    [name] = [each.name for each in look.status.nodes if each.name != node]
    return name


def pid(look: Look, node: str | None) -> int:
    """The node's process on this machine."""
    assert node is not None
    found = look.status.node(node).instance.pid
    assert found is not None
    return found


async def test_up_ends_healthy_with_one_active_node_that_holds_the_lock(shared: FTGroup, up: Look) -> None:
    status = (await shared.look()).status
    assert status.state is GroupState.HEALTHY
    assert status.active == status.lock_holder is not None
    assert sorted(status.states.values()) == ["active", "standby"]
    assert status.server_version == "0.25.6"
    assert status.problem is None


async def test_the_way_up_is_reported_step_by_step(group: FTGroup) -> None:
    """The servers' own lines give starting, recovering and healthy, and each node's steps."""
    up = await group.up()
    story = await (await core_of(group)).events()
    states = [event.detail["to"] for event in story if event.type == "group-state"]
    assert states == ["starting", "recovering", "healthy"]
    steps = [
        event.detail["to"] for event in story if event.type == "state" and event.node == up.status.active
    ]
    assert steps == ["starting", "standby", "recovering", "active"]


async def test_killing_the_standby_degrades_the_group_and_up_mends_it(shared: FTGroup, up: Look) -> None:
    standby = other(up, up.status.active)
    await shared.kill("@standby")
    look = await shared.look()
    assert (look.status.state, look.status.active) == (GroupState.DEGRADED, up.status.active)
    assert look.status.node(standby).state is NodeState.STOPPED
    assert look.status.node(standby).instance.exit_code == 137
    assert (await shared.up()).status.state is GroupState.HEALTHY


async def test_killing_the_active_node_is_followed_by_a_failover_with_its_phases(
    shared: FTGroup, up: Look
) -> None:
    standby = other(up, up.status.active)
    core = await core_of(shared)
    seen = []
    async with await core.watch() as watch:
        await shared.kill("@active")
        await watch.refresh()
        seen.append(watch.status.state)
        status = await watch.until(
            lambda status: status.active == standby, timeout=10, waiting_for="the takeover"
        )
        seen.append(status.state)
    meanwhile, afterwards = seen
    assert afterwards is GroupState.DEGRADED
    assert meanwhile in (GroupState.FAILOVER, GroupState.RECOVERING, GroupState.DEGRADED), (
        "the takeover may come before the engine has answered"
    )
    failover = (await shared.failovers())[-1]
    assert (failover.cause, failover.from_node, failover.to_node) == ("kill", up.status.active, standby)
    record = core.home.journal.faults()[-1]
    recorded = record.times[str(up.status.active)]
    assert timedelta(0) <= recorded - failover.started_at < timedelta(milliseconds=50), (
        "noticed before recorded"
    )
    phases = failover.phases_ms
    assert [name for name, took in phases.items() if took is None] == ["first_ack"]
    assert sum(took for took in phases.values() if took is not None) == pytest.approx(failover.server_ms)
    assert 0 < failover.server_ms < 10_000
    assert failover.outage_ms is None


async def test_a_paused_active_node_blocks_the_group_until_it_goes_on(shared: FTGroup, up: Look) -> None:
    """A pause does not free the lock: no node takes over, and the reason is given."""
    before = await shared.failovers()
    await shared.pause("@active")
    status = (await shared.look()).status
    assert (status.state, status.active) == (GroupState.BLOCKED, None)
    assert status.lock_holder == up.status.active
    assert f"{up.status.active} is paused and keeps the store lock" in str(status.problem)
    assert status.node(str(up.status.active)).paused
    await shared.unpause("@all")
    status = await shared.wait_state("healthy", timeout=20)
    assert status.active == up.status.active
    assert await shared.failovers() == before


async def test_a_signal_from_outside_that_freezes_the_active_node_is_seen_and_undone(
    shared: FTGroup, up: Look
) -> None:
    async def frozen() -> None:
        os.kill(pid(up, up.status.active), signal.SIGSTOP)
        async with asyncio.timeout(10):
            while (await shared.look()).status.state is not GroupState.BLOCKED:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # a supervisor of processes takes a moment to see it

    await frozen()
    await shared.unpause("@all")
    await shared.wait_state("healthy", timeout=20)
    await frozen()
    assert (await shared.up()).status.state is GroupState.HEALTHY


async def test_a_blocked_group_names_the_line_by_which_the_standby_was_refused(
    shared: FTGroup, up: Look
) -> None:
    """The standby tries the lock once the FT heartbeats stay away."""
    await shared.pause("@active")
    core = await core_of(shared)
    async with await core.watch() as watch:
        await watch.until(
            lambda status: "unable to get store lock" in str(status.problem),
            timeout=10,
            waiting_for="a refused attempt",
        )


async def test_a_paused_standby_degrades_the_group(shared: FTGroup, up: Look) -> None:
    await shared.pause("@standby")
    status = (await shared.look()).status
    assert (status.state, status.active) == (GroupState.DEGRADED, up.status.active)


async def test_stopping_every_node_takes_the_group_down_and_up_starts_the_same_ones(
    shared: FTGroup, up: Look
) -> None:
    before = [node.instance.id for node in up.status.nodes]
    await shared.stop("@all")
    status = (await shared.look()).status
    assert status.state is GroupState.DOWN
    assert set(status.states.values()) == {"stopped"}
    again = await shared.up()
    assert [node.instance.id for node in again.status.nodes] == before


async def test_an_end_that_no_command_asked_for_is_a_failure(shared: FTGroup, up: Look) -> None:
    """The process is killed behind the engine's back, as the kernel does when memory runs out."""
    core = await core_of(shared)
    async with await core.watch() as watch:
        os.kill(pid(up, up.status.active), signal.SIGKILL)
        failed = await watch.until(
            lambda status: status.active == other(up, up.status.active),
            timeout=10,
            waiting_for="the takeover",
        )
    node = failed.node(str(up.status.active))
    assert (node.state, node.instance.exit_code) == (NodeState.FAILED, 137)
    assert str(node.problem).startswith("exit 137: ")
    assert failed.state is GroupState.DEGRADED
    failover = (await shared.failovers())[-1]
    assert failover.cause == "exit 137"


@pytest.mark.only_on("docker", "a process cannot be given less of a core")
async def test_a_node_that_reads_a_long_store_is_recovering_and_serves_no_client(
    shared: FTGroup, up: Look, docker_client: docker.DockerClient
) -> None:
    """The next active node has a hundredth of a core, so that reading takes seconds."""
    await _fill(up, channel="long", count=20_000)
    standby = other(up, up.status.active)
    core = await core_of(shared)
    async with await core.watch() as watch:
        docker_client.api.update_container(standby, cpu_period=100_000, cpu_quota=1_000)
        await shared.kill("@active")
        recovering = await watch.until(
            lambda status: status.state is GroupState.RECOVERING,
            timeout=10,
            waiting_for="the lock to be taken",
        )
        assert recovering.node(standby).state is NodeState.RECOVERING
        assert (recovering.active, recovering.lock_holder) == (None, standby)
        once = (await shared.look()).status
        assert once.state is GroupState.RECOVERING, "one look sees what a watch sees"
        docker_client.api.update_container(standby, cpu_quota=100_000)
        await watch.until(lambda status: status.active == standby, timeout=20, waiting_for="the takeover")
    failover = (await shared.failovers())[-1]
    took = failover.phases_ms["recovering"]
    assert took is not None
    assert took > 50


async def _fill(look: Look, channel: str, count: int) -> None:
    client = await stan.connect(
        list(look.plan.client_urls), cluster_id=look.plan.cluster_id, client_id="filler"
    )
    async with client:
        await client.publish_batch(channel, [b"x"] * count)


async def test_a_node_that_is_cut_off_from_the_others_is_partitioned(shared: FTGroup, up: Look) -> None:
    """The active node keeps its clients and its lock; the group is degraded all the same."""
    core = await core_of(shared)
    active = str(up.status.active)
    await core.engine.disconnect_routes(up.plan, active)
    status = (await shared.look()).status
    assert status.node(active).partitioned
    assert (status.state, status.active) == (GroupState.DEGRADED, active)
    await core.engine.rejoin(up.plan, active)
    assert (await shared.look()).status.state is GroupState.HEALTHY


@pytest.mark.only_on("docker", "processes have no networks")
async def test_routes_run_over_a_network_of_their_own(
    shared: FTGroup, up: Look, docker_client: docker.DockerClient
) -> None:
    """Else cutting that network would leave the nodes connected, over the one of the clients."""
    networks = docker_client.api.networks(names=[up.plan.cluster_network])
    [subnet] = [ipaddress.ip_network(network["IPAM"]["Config"][0]["Subnet"]) for network in networks]
    for node in up.plan.nodes:
        found = (await fetch(up.plan.monitor_url(node), "/routez", 5))["routes"]
        assert [route["remote_name"] for route in found] == [other(up, node.name)]
        assert ipaddress.ip_address(found[0]["ip"]) in subnet


async def test_a_replaced_lock_file_brings_two_active_nodes(group: FTGroup) -> None:
    """The lock of the paused node is on the file that was removed; cut off, neither hears of the other."""
    up = await group.up()
    core = await core_of(group)
    first, second = str(up.status.active), other(up, up.status.active)
    async with await core.watch() as watch:
        await group.pause(first)
        await core.engine.disconnect_routes(up.plan, first)
        (Path(up.plan.store_dir) / LOCK_FILE).unlink()
        split = await watch.until(
            lambda status: status.node(second).state is NodeState.ACTIVE,
            timeout=10,
            waiting_for="the second node to become active",
        )
        assert split.state is GroupState.SPLIT_BRAIN, "a paused former active counts"
    await group.unpause(first)
    status = (await group.look()).status
    assert (status.state, status.active) == (GroupState.SPLIT_BRAIN, None)
    assert f"{' and '.join(sorted([first, second]))} are both active over one store" in str(status.problem)


async def test_live_events_equal_those_reported_afterwards(group: FTGroup) -> None:
    """Followed over a kill, a takeover and a start."""
    up = await group.up()
    core = await core_of(group)
    live: list[Event] = []

    async def follow() -> None:
        async with aclosing(core.follow_events()) as events:
            async for event in events:
                live.append(event)
                healthy = [each for each in live if each.detail.get("to") == "healthy"]
                if len(healthy) == 2 and any(each.type == "heal" for each in live):
                    return

    async with asyncio.timeout(20):
        following = asyncio.create_task(follow())
        await group.kill("@active")
        await group.wait_active()
        await group.start(str(up.status.active))
        await following
    assert sorted(map(in_one_line, live)) == sorted(map(in_one_line, await core.events()))


async def test_records_of_another_command_are_reported_at_once(shared: FTGroup, up: Look) -> None:
    """A lock file that was removed changes nothing that the engine or a server would tell of."""
    core = await core_of(shared)
    async with asyncio.timeout(5), aclosing(core.follow_events()) as events:
        async for event in events:
            if event.type == "group-state" and event.detail["to"] == "healthy":
                break
        core.home.journal.lock_file_lost("removed")
        async for event in events:
            if event.type == "lock" and event.detail == {"lock_file": "removed"}:
                break


def in_one_line(event: Event) -> str:
    return f"{event.type} {event.node} {event.detail.get('to')}"
