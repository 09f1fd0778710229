"""Logins tried at NATS servers by hand: who is let in, and who is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from stanlocal.model.plan import GroupPlan

_TIMEOUT_S = 10


async def lets_in(host: str, port: int, login: Mapping[str, Any]) -> bool:
    """Whether a server without TLS answers a client that logs in so."""
    async with asyncio.timeout(_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            await reader.readuntil(b"\r\n")
            connect = {"verbose": False, "pedantic": False, "lang": "test", "version": "1", **login}
            writer.write(b"CONNECT %b\r\nPING\r\n" % json.dumps(connect).encode())
            answer = await reader.readuntil(b"\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        finally:
            writer.close()
    return answer == b"PONG\r\n"


async def let_in(plan: GroupPlan, logins: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the names of the logins that every node accepts; a node that differs from the others fails."""
    found = []
    for node in plan.nodes:
        found.append(
            {name for name, login in logins.items() if await lets_in(plan.host, node.client_port, login)}
        )
    assert all(each == found[0] for each in found), found
    return found[0]
