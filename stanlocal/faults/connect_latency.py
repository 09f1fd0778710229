"""Connect latency: how soon a server's first line reaches a new client, if at all."""

from __future__ import annotations

import asyncio

from stanlocal.model.plan import GroupPlan, NodePlan

_LONGEST_LINE = 64 * 1024


async def greeting_s(plan: GroupPlan, node: NodePlan, patience_s: float) -> float | None:
    """Return the seconds from a new connection to the server's first line (INFO), which it sends unasked.

    None when the connection is refused, ends before, or nothing comes for `patience_s` seconds.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with asyncio.timeout(patience_s):
            reader, writer = await asyncio.open_connection(plan.host, node.client_port, limit=_LONGEST_LINE)
            try:
                await reader.readuntil(b"\n")
            finally:
                writer.transport.abort()  # nothing was sent that should arrive
                await writer.wait_closed()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):  # TimeoutError is an OSError
        return None
    return clock() - began
