"""One scrape of the nodes' monitors, with the outcome of each.

A standby answers everything with zeros, a node that recovers sends nothing, a dead one refuses the
connection. None of them may delay the others or the scrape.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from stanlocal.errors import MonitorError
from stanlocal.model.plan import Monitor
from stanlocal.monitor import pages
from stanlocal.monitor.client import Outcome, fetch

_T = TypeVar("_T")

TIMEOUT_S = 0.8
"""Deadline for the answers of all nodes; Prometheus gives up after 10 s, a person sooner."""

ENDPOINTS = ("varz", "connz", "routez", "subsz")
"""Endpoints of the NATS server; `subsz` serves the exporter's -subz."""

UNUSED = "http://127.0.0.1:0"
"""Address that refuses connections, for stopped nodes: another program may use their port by now."""


@dataclass(frozen=True, slots=True)
class NodeScrape:
    """Answers of one node."""

    node: str
    outcome: Outcome
    """Outcome of the request for the streaming server's document."""
    seconds: float
    server: Mapping[str, Any]
    """`/streaming/serverz`; empty when it did not answer."""
    channels: Sequence[Mapping[str, Any]]
    nats: Mapping[str, Mapping[str, Any]]
    """Documents by endpoint; endpoints that did not answer are missing."""


async def scrape(monitors: Sequence[tuple[str, Monitor]], timeout: float = TIMEOUT_S) -> list[NodeScrape]:
    """Ask the monitors of these nodes (name, URL) at the same time; returns within `timeout` seconds."""
    return list(await asyncio.gather(*(_scrape(node, url, timeout) for node, url in monitors)))


async def _scrape(node: str, url: Monitor, timeout: float) -> NodeScrape:
    loop = asyncio.get_running_loop()
    began = loop.time()
    server, channels, *nats = await asyncio.gather(
        _try(pages.server(url, timeout)),
        _try(pages.channels(url, timeout)),
        *(_try(fetch(url, f"/{endpoint}", timeout)) for endpoint in ENDPOINTS),
    )
    return NodeScrape(
        node=node,
        outcome=server.outcome if isinstance(server, MonitorError) else "answered",
        seconds=loop.time() - began,
        server={} if isinstance(server, MonitorError) else server,
        channels=() if isinstance(channels, MonitorError) else channels,
        nats={
            endpoint: answer
            for endpoint, answer in zip(ENDPOINTS, nats, strict=True)
            if not isinstance(answer, MonitorError)
        },
    )


async def _try(work: Awaitable[_T]) -> _T | MonitorError:
    try:
        return await work
    except MonitorError as error:
        return error
