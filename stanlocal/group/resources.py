"""Resource usage of nodes: CPU and memory of their processes, connections and routes of their servers.

The figures are for people; no state is derived from them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stanlocal.engine.base import Engine
from stanlocal.errors import MonitorError
from stanlocal.machine.process_usage import of_processes
from stanlocal.model.plan import GroupPlan, Monitor
from stanlocal.model.states import NodeStatus
from stanlocal.monitor.client import fetch

_MONITOR_TIMEOUT_S = 0.5
_OWN = "_NSS-"
"""Prefix of the names of the streaming server's own connections to its NATS server."""
_OWN_AT_MOST = 16
"""Limit for own connections: the server makes 5 before any client can, and its monitor lists them first."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages since the node became active, at one time."""

    at: datetime
    """Time by the node's clock."""
    stored: int
    """Messages that clients have published."""
    sent: int
    """Deliveries to subscribers."""


@dataclass(frozen=True, slots=True)
class Resources:
    """One node's figures; None where they are unavailable."""

    cpu: float | None = None
    """Share of one core."""
    memory: int | None = None
    """Resident bytes."""
    connections: int | None = None
    """Connections of clients, without the server's own."""
    routes: int | None = None
    """Routes to other nodes."""
    counts: Counts | None = None
    """Messages of the node that serves."""


async def measure(engine: Engine, plan: GroupPlan, nodes: Sequence[NodeStatus]) -> dict[str, Resources]:
    """Return the figures of the running nodes, by name, within about half a second.

    CPU and memory are known for processes of this machine, connections and routes where the monitor answers,
    which it does not on a node that is frozen, cut off, or reading its store.
    """
    pids = {node.name: node.instance.pid for node in nodes if node.instance.pid}
    running = [node.name for node in nodes if node.instance.running]
    reachable = [node.name for node in nodes if node.instance.clients_connected and not node.paused]
    serving = [node.name for node in nodes if node.serves]
    monitors = {node.name: engine.monitor(plan, plan.node(node.name)) for node in nodes}
    used, answers, messages = await asyncio.gather(
        asyncio.to_thread(of_processes, pids),
        asyncio.gather(*(_connections_and_routes(monitors[name]) for name in reachable)),
        asyncio.gather(*(_counts(monitors[name]) for name in serving)),
    )
    counted = dict(zip(reachable, answers, strict=True))
    counts = dict(zip(serving, messages, strict=True))
    resources = {}
    for name in running:
        cpu, memory = used.get(name, (None, None))
        connections, routes = counted.get(name, (None, None))
        resources[name] = Resources(cpu, memory, connections, routes, counts.get(name))
    return resources


async def _counts(monitor: Monitor) -> Counts | None:
    try:
        answer = await fetch(monitor, "/streaming/serverz", _MONITOR_TIMEOUT_S)
        return Counts(
            datetime.fromisoformat(str(answer["now"])), int(answer["in_msgs"]), int(answer["out_msgs"])
        )
    except (MonitorError, KeyError, TypeError, ValueError):  # not there, or not an answer of the server's
        return None


async def _connections_and_routes(monitor: Monitor) -> tuple[int | None, int | None]:
    """Return the number of clients' connections and of routes of a node; None if the monitor fails."""
    try:
        connections, routes = await asyncio.gather(
            fetch(monitor, f"/connz?limit={_OWN_AT_MOST}", _MONITOR_TIMEOUT_S),
            fetch(monitor, "/routez", _MONITOR_TIMEOUT_S),
        )
    except MonitorError:
        return None, None
    total, listed = connections.get("total"), connections.get("connections")
    if not isinstance(total, int) or not isinstance(listed, list):
        return None, None
    own = sum(isinstance(each, dict) and str(each.get("name")).startswith(_OWN) for each in listed)
    count = routes.get("num_routes")
    return total - own, count if isinstance(count, int) else None
