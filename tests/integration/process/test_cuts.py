"""Cuts of real servers that are processes: who notices them, and that any tool can undo them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from stanlocal.api import FTGroup
from stanlocal.engine.process.engine import ProcessEngine
from stanlocal.engine.process.node_files import NodeFiles
from stanlocal.errors import EngineError, MonitorError
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupState
from stanlocal.monitor.client import fetch
from tests.support.processes import IDLE, processes_of, scripted_group

servers = pytest.mark.server

BUSY = "unable to get store lock"


@pytest.fixture
async def group(
    home: Path, server_binary: Path, group_name: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FTGroup]:
    """Three healthy nodes; nothing of them may be left."""
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    group = FTGroup(group=group_name, engine="process", nodes=3, server_binary=server_binary)
    await group.up()
    yield group
    await group.down(timeout=0, purge=True)
    await group.close()
    assert processes_of(home) == set()


async def greeted(port: int) -> bool:
    """Return whether a server greets a client that connects; a refused client gets no greeting."""
    with suppress(ConnectionError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        said = await reader.read(4)
        writer.close()
        return said == b"INFO"
    return False


async def routes(plan: GroupPlan, node: str) -> set[str]:
    """The nodes that the node has routes to, by its own account; none before it can be asked."""
    try:
        found = await fetch(plan.monitor_url(plan.node(node)), "/routez", 5)
    except MonitorError:
        return set()
    return {route["remote_name"] for route in found["routes"]}


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Returns when it holds; of what is waited for nothing tells."""
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 (there is no event to await)
            await asyncio.sleep(0.05)


async def lines(group: FTGroup, node: str) -> int:
    """Return how often the node tried for the lock in vain."""
    return sum(BUSY in line.line.text for line in await group.logs([node]))


@servers
async def test_no_route_leads_past_the_relay(group: FTGroup) -> None:
    """Nodes that tell each other of third ones tell the addresses that can be cut."""
    look = await group.look()
    plan = look.plan
    names = {node.name for node in plan.nodes}
    outside = {node.route_port for node in plan.nodes}
    inside = {node.listen.cluster for node in plan.nodes}
    for node in plan.nodes:
        await eventually(partial(_has_routes, plan, node.name, names - {node.name}))
    dialled = set()
    for status in look.status.nodes:
        connections = psutil.Process(status.instance.pid).net_connections("tcp")
        dialled |= {connection.raddr.port for connection in connections if connection.raddr}
    assert dialled & outside
    assert not dialled & inside


@servers
@pytest.mark.parametrize("fault", ["partition", "isolate"])
async def test_two_that_are_cut_off_hear_neither_the_third_nor_each_other(group: FTGroup, fault: str) -> None:
    """A client reaches a partitioned node, but not an isolated one."""
    look = await group.look()
    active = str(look.status.active)
    cut = [node.name for node in look.status.nodes if node.name != active]
    before = [await lines(group, name) for name in cut]
    await (group.partition(*cut) if fault == "partition" else group.isolate(*cut))
    for name, count in zip(cut, before, strict=True):
        await eventually(partial(_tries_more_often, group, name, count))
    found = [await greeted(node.client_port) for node in look.plan.nodes]
    assert found == [node.name == active or fault == "partition" for node in look.plan.nodes]
    assert await greeted(look.plan.node(active).client_port)
    await group.heal()
    await group.wait_state(GroupState.HEALTHY, timeout=20)
    assert all([await greeted(node.client_port) for node in look.plan.nodes])
    quiet = [await lines(group, name) for name in cut]
    await asyncio.sleep(3)  # longer than any wait for a heartbeat: the point is that nothing happens
    assert [await lines(group, name) for name in cut] == quiet


async def _tries_more_often(group: FTGroup, node: str, before: int) -> bool:
    return await lines(group, node) > before


@servers
async def test_a_node_that_comes_back_while_it_is_cut_off_stays_alone(group: FTGroup) -> None:
    look = await group.look()
    standby = next(node.name for node in look.status.nodes if node.usable_standby)
    await group.partition(standby)
    await group.restart(standby)
    assert await routes(look.plan, standby) == set()
    await group.heal()
    others = {node.name for node in look.plan.nodes} - {standby}
    await eventually(partial(_has_routes, look.plan, standby, others))


async def _has_routes(plan: GroupPlan, node: str, peers: set[str]) -> bool:
    return await routes(plan, node) == peers


@servers
async def test_a_client_of_an_isolated_active_goes_on_once_it_is_healed(group: FTGroup) -> None:
    async with group.connect("steadfast") as client:
        await client.publish("orders", b"1")
        fault = await group.isolate("@active")
        assert fault is not None
        publishing = asyncio.create_task(client.publish("orders", b"2"))
        await asyncio.sleep(0.5)
        assert not publishing.done()
        await fault.heal()
        await asyncio.wait_for(publishing, 30)


async def test_a_cut_whose_tool_was_killed_before_anyone_was_asked_holds_with_the_next_start(
    engine: ProcessEngine, home: Path
) -> None:
    """The folder holds the wanted state; a supervisor that reads it obeys."""
    plan = await scripted_group(engine, home, "g", IDLE)
    port = plan.nodes[0].client_port
    NodeFiles(home / "g" / "processes" / "g-0").set_cuts(["clients"])
    await engine.start(plan, "g-0")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    await ProcessEngine(home).rejoin(plan, "g-0")
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    await engine.remove("g-0")


async def test_cuts_at_once_all_hold(engine: ProcessEngine, home: Path) -> None:
    plan = await scripted_group(engine, home, "g", IDLE, IDLE, IDLE)
    names = [node.name for node in plan.nodes]
    await asyncio.gather(*(engine.start(plan, name) for name in names))
    await asyncio.gather(*(ProcessEngine(home).isolate(plan, name) for name in names))
    assert not any(each.clients_connected for each in await engine.instances("g"))
    for node in plan.nodes:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", node.client_port), timeout=5)
    await asyncio.gather(*(ProcessEngine(home).rejoin(plan, name) for name in names))
    for node in plan.nodes:
        socket.create_connection(("127.0.0.1", node.client_port), timeout=5).close()
    await asyncio.gather(*(engine.remove(name) for name in names))


async def test_a_server_without_a_supervisor_does_not_hold_up_a_cut(
    engine: ProcessEngine, home: Path
) -> None:
    plan = await scripted_group(engine, home, "g", IDLE, IDLE)
    for node in plan.nodes:
        await engine.start(plan, node.name)
    lost = NodeFiles(home / "g" / "processes" / "g-1").run()
    assert lost is not None
    os.kill(lost.supervisor.pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        await engine.isolate(plan, "g-0")
        for node in plan.nodes:
            await engine.remove(node.name)
    assert processes_of(home) == set()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux limits a process that runs")
async def test_no_file_grows_while_the_disk_counts_as_full_even_of_new_processes(
    engine: ProcessEngine, home: Path
) -> None:
    script = (
        "trap '' XFSZ; while :; do echo x >grown && echo room || echo full; rm -f grown; sleep 0.02; done"
    )
    plan = await scripted_group(engine, home, "g", script, script)
    for node in plan.nodes:
        os.chown(plan.conf_dir(node), *map(int, plan.user.split(":")))
    await engine.start(plan, "g-0")
    await _says_last(engine, "g-0", "room")
    await engine.fill_store(plan)
    await engine.start(plan, "g-1")
    for name in ("g-0", "g-1"):
        await _says_last(engine, name, "full")
    await engine.free_store(plan)
    for name in ("g-0", "g-1"):
        await _says_last(engine, name, "room")
        await engine.remove(name)


async def _says_last(engine: ProcessEngine, node: str, text: str) -> None:
    async def holds() -> bool:
        return [line.text for line in await engine.tail(node, 1)] == [text]

    await eventually(holds)


async def test_a_failed_order_to_a_supervisor_is_an_error(engine: ProcessEngine, home: Path) -> None:
    """A folder in the place of the cut file is an error for root, too."""
    plan = await scripted_group(engine, home, "g", IDLE)
    await engine.start(plan, "g-0")
    (home / "g" / "processes" / "g-0" / "cut").mkdir()
    with pytest.raises(EngineError, match="the supervisor of g-0 failed: Is a directory"):
        await engine.fill_store(plan)
    await engine.remove("g-0")


@servers
async def test_a_server_whose_supervisor_is_killed_ends_and_another_takes_over(
    group: FTGroup, home: Path
) -> None:
    """The server's connections end with the supervisor; it ends when it next writes a line.

    What it writes before the kernel has closed the supervisor's end of the pipe does not end it.
    """
    active = str((await group.look()).status.active)
    run = NodeFiles(home / "stanlocal" / active.rpartition("-")[0] / "processes" / active).run()
    assert run is not None
    os.kill(run.supervisor.pid, signal.SIGKILL)

    async def another_serves() -> bool:
        if run.server.alive:
            os.kill(run.server.pid, signal.SIGHUP)  # it says that it has read its configuration again
        return (await group.look()).status.active not in (None, active)

    await eventually(another_serves)
    assert not run.server.alive
    assert (await group.up()).status.state is GroupState.HEALTHY
