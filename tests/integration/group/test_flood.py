"""Groups whose nodes have written more than the engine keeps of their output."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from stanlocal.api import FTGroup
from stanlocal.states import GroupState

KEPT_BYTES = 30 << 20
PAYLOAD = b"x" * 1_000_000
"""Written out in a trace line."""


async def flood(url: str) -> None:
    """Has the node write more than is kept of it."""
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


async def test_nodes_are_known_although_their_milestones_are_not_kept(
    on_engine: str, group_name: str, own_ports: int
) -> None:
    """By a command that looks, by one that watches, and with the server's version."""
    async with FTGroup(group=group_name, nodes=1, nats={"trace": True}, purge=True) as group:
        before = (await group.look()).status
        core = await group.core()
        plan, _ = await core.find()
        await flood(plan.client_urls[0])
        kept = await core.engine.output(f"{group_name}-0")
        assert not any("Streaming Server is ready" in line.text for line in kept), "it has been rotated away"
        assert (await group.look()).status == before
        async with asyncio.timeout(20), await core.watch() as watch, aclosing(watch.changes()) as changes:
            seen = await anext(changes)
        assert seen == before
        assert (seen.state, seen.server_version) == (GroupState.HEALTHY, "0.25.6")
