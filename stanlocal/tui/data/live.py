"""Channels, clients and subscriptions from the active node's monitor, and rates between two requests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from stanlocal.errors import NodeNotFound
from stanlocal.model.plan import Monitor
from stanlocal.monitor import documents, pages
from stanlocal.monitor.documents import Document
from stanlocal.outages.message_rates import Sample, rates, sample

_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Inside:
    """One answer of the monitor: its documents, with the fields that `monitor.documents` adds."""

    active: str
    channels: Sequence[Document]
    """Channels; from a node's second answer on with `in_rate` and `out_rate` in messages a second."""
    clients: Sequence[Document]
    subscriptions: Sequence[Document]
    redelivered_rate: float | None


class MonitorReader:
    """Reader of the monitor of whichever node is active."""

    def __init__(self) -> None:
        self._before: tuple[str, Sample] | None = None

    async def look(self, document: Mapping[str, Any], monitor: Monitor | None = None) -> Inside:
        """Ask the active node of the group document, at `monitor` or else at the address in there.

        Raises `NodeNotFound` when there is none, `MonitorError` when it does not answer.
        """
        active = document["active"]
        if active is None:
            raise NodeNotFound(f"no node serves ({document['state']}), so no monitor can be asked")
        url: Monitor = monitor or next(
            node["monitor_url"] for node in document["nodes"] if node["name"] == active
        )
        channels, clients, server = await asyncio.gather(
            pages.channels(url, _TIMEOUT_S), pages.clients(url, _TIMEOUT_S), pages.server(url, _TIMEOUT_S)
        )
        now = sample(monotonic(), channels, server)
        before, self._before = self._before, (active, now)
        change = rates(before[1], now) if before is not None and before[0] == active else None
        shaped = documents.channel_documents(channels)
        if change is not None:
            for each in shaped:
                each["in_rate"] = change.published[each["name"]]
                each["out_rate"] = change.delivered[each["name"]]
        return Inside(
            active,
            shaped,
            documents.client_documents(clients),
            documents.subscription_documents(channels),
            change.redelivered if change is not None else None,
        )


TOTAL = ""
"""Name of the whole store among the names of channels."""


class Growth:
    """Growth of the whole store and of each channel between two looks. Pure."""

    def __init__(self) -> None:
        self._before: tuple[str, float, dict[str, int]] | None = None

    def look(self, now: float, overview: Mapping[str, Any]) -> dict[str, float]:
        """Return the bytes a second since the last look at the same store; empty at the first look.

        `overview` is the document of `store.inspect.overview`, `now` a monotonic clock in seconds. A new
        channel grew by its whole size; one whose old messages were removed has a negative rate.
        """
        sizes = {each["name"]: int(each["disk_bytes"]) for each in overview["channels"]}
        sizes[TOTAL] = int(overview["disk_bytes"])
        before, self._before = self._before, (overview["store"], now, sizes)
        if before is None or before[0] != overview["store"] or now <= before[1]:
            return {}
        return {name: (size - before[2].get(name, 0)) / (now - before[1]) for name, size in sizes.items()}
