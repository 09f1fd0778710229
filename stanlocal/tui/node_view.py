"""What a node's card says, from everything that is known of the node. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stanlocal.group.resources import Vitals
from stanlocal.history.timeline import Event

_WITHOUT_PROCESS = ("created", "stopped", "failed", "gone")
SAMPLES = 60
"""Figures kept of each node."""


@dataclass(slots=True)
class Known:
    """What is learnt of a node beside the group document."""

    since: datetime | None = None
    """When its state, or a flag of it, changed last."""
    vitals: deque[Vitals] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    @property
    def now(self) -> Vitals:
        return self.vitals[-1] if self.vitals else Vitals()


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node, ready to be shown."""

    name: str
    state: str
    """A node's state, or `gone`."""
    paused: bool
    partitioned: bool
    holds_lock: bool
    since: datetime | None
    client: str
    """host:port"""
    monitor: str
    """host:port"""
    routes: int | None
    routes_wanted: int
    connections: int | None
    cpu: tuple[float, ...]
    """Shares of one core, oldest first."""
    memory: tuple[int, ...]
    """Bytes, oldest first."""
    problem: str | None

    @property
    def runs(self) -> bool:
        """Whether there is a process, frozen or not."""
        return self.state not in _WITHOUT_PROCESS

    @property
    def flags(self) -> tuple[str, ...]:
        pairs = (("paused", self.paused), ("partitioned", self.partitioned))
        return tuple(name for name, so in pairs if so)


def views(document: Mapping[str, Any], missing: Sequence[str], known: Mapping[str, Known]) -> list[NodeView]:
    """The nodes of the group document and, by their names, those that are missing from it."""
    nodes = document["nodes"]
    up = [node["name"] for node in nodes if node["state"] not in _WITHOUT_PROCESS]
    there = [
        _view(document, node, known.get(node["name"], Known()), len(set(up) - {node["name"]}))
        for node in nodes
    ]
    return sorted([*there, *map(_gone, missing)], key=lambda view: _index(view.name))


def _view(document: Mapping[str, Any], node: Mapping[str, Any], known: Known, routes_wanted: int) -> NodeView:
    return NodeView(
        name=node["name"],
        state=node["state"],
        paused=node["paused"],
        partitioned=node["partitioned"],
        holds_lock=document["lock_holder"] == node["name"],
        since=known.since or _time(node["started_at"]),
        client=_address(node["client_url"]),
        monitor=_address(node["monitor_url"]),
        routes=known.now.routes,
        routes_wanted=routes_wanted,
        connections=known.now.connections,
        cpu=tuple(each.cpu for each in known.vitals if each.cpu is not None),
        memory=tuple(each.memory for each in known.vitals if each.memory is not None),
        problem=node["problem"],
    )


def _gone(name: str) -> NodeView:
    why = "it is not on the engine any more; bring the group up again"
    return NodeView(name, "gone", False, False, False, None, "", "", None, 0, None, (), (), why)


def _index(name: str) -> int:
    return int(name.rpartition("-")[2])


def _address(url: str) -> str:
    return url.partition("://")[2]


def _time(stamp: str | None) -> datetime | None:
    return datetime.fromisoformat(stamp) if stamp else None


def learn_events(known: dict[str, Known], events: Sequence[Event]) -> None:
    """Takes from what happened since when each node is what it is."""
    for event in events:
        if event.type == "state" and event.node is not None:
            known.setdefault(event.node, Known()).since = event.time


def learn_vitals(known: dict[str, Known], vitals: Mapping[str, Vitals]) -> None:
    """Takes the newest figures; a node without any loses its past ones: it does not run."""
    for name, measured in vitals.items():
        known.setdefault(name, Known()).vitals.append(measured)
    for name in set(known) - set(vitals):
        known[name].vitals.clear()
