"""Groups whose nodes have written more than the engine keeps of their output."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from stanlocal.api import FTGroup, core_of
from stanlocal.model.instance import RawLine
from stanlocal.model.states import GroupState
from tests.support.output import output_of

KEPT_BYTES = 30 << 20
PAYLOAD = b"x" * 1_000_000
"""Written out in a trace line."""


async def flood(url: str) -> None:
    """Have the node write more than is kept of its log."""
    host, _, port = url.removeprefix("nats://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b'CONNECT {"verbose":false}\r\n')
    for _ in range(KEPT_BYTES // len(PAYLOAD) + 12):
        writer.write(b"PUB flood %d\r\n%s\r\n" % (len(PAYLOAD), PAYLOAD))
        await writer.drain()
    writer.write(b"PING\r\n")
    while await reader.readline() != b"PONG\r\n":
        pass
    writer.close()
    await writer.wait_closed()


def any_told(lines: Sequence[RawLine], message: str) -> bool:
    return any(message in line.text for line in lines)


async def test_nodes_are_known_although_their_milestones_are_not_kept(
    on_engine: str, group_name: str, own_ports: int
) -> None:
    """The node is recognised by a command that looks, by one that watches, and with the server's version."""
    async with FTGroup(group=group_name, nodes=1, nats={"trace": True}, purge=True) as group:
        before = (await group.look()).status
        core = await core_of(group)
        plan, _ = await core.find()
        await flood(plan.client_urls[0])
        kept = await output_of(core.engine, f"{group_name}-0")
        assert not any_told(kept, "Streaming Server is ready"), "it has been rotated away"
        assert (await group.look()).status == before
        async with asyncio.timeout(20), await core.watch() as watch, aclosing(watch.changes()) as changes:
            seen = await anext(changes)
        assert seen == before
        assert (seen.state, seen.server_version) == (GroupState.HEALTHY, "0.25.6")


@pytest.mark.slow
async def test_a_standby_is_one_while_it_is_frozen_and_takes_over_from_a_node_that_is_known(
    on_engine: str, group_name: str, own_ports: int
) -> None:
    """Neither of them has its milestones any more."""
    async with FTGroup(group=group_name, nodes=2, nats={"trace": True}, purge=True) as group:
        before = (await group.look()).status
        active, standby = sorted(before.states, key=lambda name: name != before.active)
        core = await core_of(group)
        plan, _ = await core.find()
        await asyncio.gather(*(flood(url) for url in plan.client_urls))
        for node in plan.nodes:
            assert not any_told(await output_of(core.engine, node.name), "Starting in standby mode")
        await group.pause("@standby")
        assert (await group.look()).status.states == {active: "active", standby: "standby"}
        await group.unpause("@standby")
        fault = await group.kill("@active")
        assert fault is not None
        seen = await fault.failover(timeout=20)
        assert (seen.cause, seen.from_node, seen.to_node) == ("kill", active, standby)
        assert await group.failovers() == [seen]
