"""What nodes use and carry now: CPU and memory of their processes, connections and routes of their servers.

Figures for people who look on; no state is derived from them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from stanlocal.errors import MonitorError
from stanlocal.machine.process_usage import of_processes
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import NodeStatus
from stanlocal.monitor.client import fetch

_MONITOR_S = 0.5
_OWN = "_NSS-"
"""What the names of the streaming server's own connections to its NATS server begin with."""
_OWN_AT_MOST = 16
"""It makes 5, before any client can: they are the first that the monitor lists."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """One node's figures; None where they cannot be had."""

    cpu: float | None = None
    """Share of one core."""
    memory: int | None = None
    """Resident bytes."""
    connections: int | None = None
    """Of clients; the server's own are not counted."""
    routes: int | None = None
    """To other nodes."""


async def measure(plan: GroupPlan, nodes: Sequence[NodeStatus]) -> dict[str, Vitals]:
    """The figures of those of the nodes that run, within about half a second.

    CPU and memory are there for processes of this machine, connections and routes where the monitor answers:
    not on a node that is frozen, cut off, or reads its store.
    """
    pids = {node.name: node.instance.pid for node in nodes if node.instance.pid}
    running = [node.name for node in nodes if node.instance.running]
    reachable = [node.name for node in nodes if node.instance.clients_connected and not node.paused]
    used, carried = await asyncio.gather(
        asyncio.to_thread(of_processes, pids),
        asyncio.gather(*(_carried(plan, name) for name in reachable)),
    )
    of = dict(zip(reachable, carried, strict=True))
    vitals = {}
    for name in running:
        cpu, memory = used.get(name, (None, None))
        connections, routes = of.get(name, (None, None))
        vitals[name] = Vitals(cpu, memory, connections, routes)
    return vitals


async def _carried(plan: GroupPlan, name: str) -> tuple[int | None, int | None]:
    """The node's connections and routes."""
    url = plan.monitor_url(plan.node(name))
    try:
        connections, routes = await asyncio.gather(
            fetch(url, f"/connz?limit={_OWN_AT_MOST}", _MONITOR_S), fetch(url, "/routez", _MONITOR_S)
        )
    except MonitorError:
        return None, None
    total, listed = connections.get("total"), connections.get("connections")
    if not isinstance(total, int) or not isinstance(listed, list):
        return None, None
    own = sum(isinstance(each, dict) and str(each.get("name")).startswith(_OWN) for each in listed)
    count = routes.get("num_routes")
    return total - own, count if isinstance(count, int) else None
