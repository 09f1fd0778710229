"""Reach of a server through a forwarded port, found out by its first line, which names it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress

from stanlocal.engine.forwarding import Address, NodeReach
from stanlocal.engine.kubernetes.forward.channel import PortClosed
from stanlocal.engine.kubernetes.forward.node_port import Open
from stanlocal.errors import EngineError

_PAUSE_S = 0.05
"""Shortest pause between two tries; it grows with the time that the server is not reached."""
_PAUSE_SHARE = 0.05
_LONGEST_PAUSE_S = 1.0
_GREETING_S = 5.0
"""Seconds for the server's first line."""
_GREETING_BYTES = 64 << 10


async def follow(
    node: str,
    address: Address,
    connect: Open,
    doubted: asyncio.Event,
    away: Callable[[], str | None],
    report: Callable[[NodeReach], None],
) -> None:
    """Report how the node's server is reached, and each change, until cancelled.

    `doubted` is set when it may have changed; `away` returns why nothing can be reached now, if so.
    """
    loop = asyncio.get_running_loop()
    server: str | None = None
    reported: bool | None = None
    since = loop.time()
    while True:
        doubted.clear()
        problem, found = away(), None
        if problem is None:
            try:
                found = await _server_id(connect)
            except TimeoutError:
                problem = f"its server sends nothing within {_GREETING_S:g} s"
            except (EngineError, ConnectionError) as error:
                problem = str(error)
        replaced = found is not None and server is not None and found != server
        if reported is not (problem is None) or replaced:
            report(NodeReach(node, address, problem, replaced))
            reported = problem is None
        if problem is None:
            server = found
            await doubted.wait()
            since = loop.time()
            continue
        pause = min(_LONGEST_PAUSE_S, max(_PAUSE_S, _PAUSE_SHARE * (loop.time() - since)))
        with suppress(TimeoutError):
            await asyncio.wait_for(doubted.wait(), pause)


async def _server_id(connect: Open) -> str:
    """Return the id of the server that answers; each start of a server has another."""
    line = b""
    async with asyncio.timeout(_GREETING_S), connect() as channel:
        while b"\n" not in line:
            data = await channel.receive()
            line += data
            if not data or len(line) > _GREETING_BYTES:
                raise PortClosed("its server sends no NATS greeting")
    with suppress(ValueError, RecursionError):
        info = json.loads(line.partition(b"\n")[0].removeprefix(b"INFO "))
        return str(info.get("server_id") if isinstance(info, dict) else "")
    return ""
