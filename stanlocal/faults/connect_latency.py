"""Connect latency: the time until a server's first line reaches a new client, if it does."""

from __future__ import annotations

import asyncio

from stanlocal.model.plan import GroupPlan, NodePlan

_LONGEST_LINE = 64 * 1024


async def seconds_to_info(plan: GroupPlan, node: NodePlan, timeout_s: float) -> float | None:
    """Return the seconds from connecting to the server's INFO line, which it sends first.

    None if the connection is refused or ends before that, or nothing arrives within `timeout_s` seconds.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(plan.host, node.client_port, limit=_LONGEST_LINE)
            try:
                await reader.readuntil(b"\n")
            finally:
                writer.transport.abort()  # nothing was sent, so there is nothing to flush
                await writer.wait_closed()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):  # TimeoutError is an OSError
        return None
    return clock() - began
