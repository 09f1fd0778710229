"""Nodes as they are shown: everything known of a node, as a card or as one line. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from textual.content import Content

from stanlocal.group.resources import Resources
from stanlocal.history.timeline import Event
from stanlocal.model.group_document import marks
from stanlocal.tui.themes import STATE_STYLES

_WITHOUT_PROCESS = ("created", "stopped", "failed", "gone")
SAMPLES = 60
"""Measurements kept for each node."""


@dataclass(slots=True)
class Known:
    """Facts about a node that are not in the group document."""

    since: datetime | None = None
    """Time of the last change of its state."""
    resources: deque[Resources] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    @property
    def now(self) -> Resources:
        return self.resources[-1] if self.resources else Resources()


@dataclass(frozen=True, slots=True)
class NodeView:
    """Everything that is shown of a node."""

    name: str
    state: str
    """State of the node; `gone` if the engine no longer has it."""
    flags: Sequence[str]
    """Words for being paused, isolated or partitioned."""
    holds_lock: bool
    since: datetime | None
    client: str
    """Address as host:port."""
    monitor: str
    """Address as host:port."""
    routes: int | None
    routes_wanted: int
    connections: int | None
    cpu: tuple[float, ...]
    """CPU use as shares of one core, oldest first."""
    memory: tuple[int, ...]
    """Memory use in bytes, oldest first."""
    problem: str | None

    @property
    def runs(self) -> bool:
        """Whether the node has a process, frozen or not."""
        return self.state not in _WITHOUT_PROCESS


def views(document: Mapping[str, Any], missing: Sequence[str], known: Mapping[str, Known]) -> list[NodeView]:
    """Return the nodes of the group document and the missing ones, in order of their index."""
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
        flags=marks(document, node),
        holds_lock=document["lock_holder"] == node["name"],
        since=known.since or _time(node["started_at"]),
        client=_address(node["client_url"]),
        monitor=_address(node["monitor_url"]),
        routes=known.now.routes,
        routes_wanted=routes_wanted,
        connections=known.now.connections,
        cpu=tuple(each.cpu for each in known.resources if each.cpu is not None),
        memory=tuple(each.memory for each in known.resources if each.memory is not None),
        problem=node["problem"],
    )


def _gone(name: str) -> NodeView:
    why = "the engine no longer has it; bring the group up again"
    return NodeView(name, "gone", (), False, None, "", "", None, 0, None, (), (), why)


def _index(name: str) -> int:
    return int(name.rpartition("-")[2])


def _address(url: str) -> str:
    return url.partition("://")[2]


def _time(stamp: str | None) -> datetime | None:
    return datetime.fromisoformat(stamp) if stamp else None


def learn_events(known: dict[str, Known], events: Sequence[Event]) -> None:
    """Update the time of each node's last change of state; a cut or a pause does not change it."""
    for event in events:
        if event.type == "state" and event.node is not None and event.detail["from"] != event.detail["to"]:
            known.setdefault(event.node, Known()).since = event.time


def learn_resources(known: dict[str, Known], resources: Mapping[str, Resources]) -> None:
    """Add the newest measurements; drop those of nodes that no longer run."""
    for name, measured in resources.items():
        known.setdefault(name, Known()).resources.append(measured)
    for name in set(known) - set(resources):
        known[name].resources.clear()


_BARS = "▁▂▃▄▅▆▇█"
_SPARK_WIDE, _SPARK_NARROW = 18, 4
_MIB = 1 << 20


def spark(values: Sequence[float], width: int, *, least_top: float) -> str:
    """Draw the last `width` values as bars; the scale ends at the highest, at least at `least_top`."""
    shown = values[-width:]
    top = max(least_top, *shown, least_top)
    bars = "".join(_BARS[min(len(_BARS) - 1, int(value / top * len(_BARS)))] for value in shown)
    return bars.rjust(width)


def card(view: NodeView) -> Content:
    """Return the content of the node's card, without its name."""
    lines = [_state(view)]
    if view.client:
        lines += [_row("clients", Content(view.client)), _row("monitor", Content(view.monitor))]
    if view.runs and view.client:
        lines += [
            _row("carries", _links(view)),
            _row("cpu", _cpu(view, _SPARK_WIDE)),
            _row("memory", _memory(view, _SPARK_WIDE)),
        ]
    if view.problem:
        lines.append(Content.styled(view.problem, "$text-error"))
    return Content("\n").join(lines)


def line(view: NodeView) -> Content:
    """Return the node on one line of 79 columns, without its problem; for a name of up to 8 columns."""
    flags = " ".join(view.flags).upper()
    since = f"{view.since.astimezone():%H:%M:%S}" if view.since else ""
    parts = [
        Content(f"{view.name:<8}"),
        Content.styled(f"{view.state:<10}", STATE_STYLES[view.state]),
        Content.styled("lock" if view.holds_lock else "    ", "bold $text-accent"),
        Content.styled(f"{flags:<8}", "bold reverse $text-warning") if flags else Content(f"{since:<8}"),
        Content(f"{_port(view.client)} {_port(view.monitor)}"),
    ]
    if view.runs and view.client:
        connections = "?" if view.connections is None else view.connections
        parts += [
            Content("routes ") + _routes(view),
            Content(f"{connections} conn"),
            _cpu(view, _SPARK_NARROW),
            _memory(view, 0),
        ]
    return Content(" ").join(parts)


def _state(view: NodeView) -> Content:
    parts = [Content.styled(view.state, STATE_STYLES[view.state])]
    if view.since is not None:
        parts.append(Content(f"since {view.since.astimezone():%H:%M:%S}"))
    if view.flags:
        parts.append(Content.styled(" ".join(view.flags).upper(), "bold reverse $text-warning"))
    return Content(" ").join(parts)


def _row(name: str, value: Content) -> Content:
    return Content.styled(f"{name:<8}", "$foreground 65%") + value


def _links(view: NodeView) -> Content:
    if view.connections is None:
        return Content("?")
    return Content.assemble(
        f"{view.connections} connection{'' if view.connections == 1 else 's'}, routes ", _routes(view)
    )


def _routes(view: NodeView) -> Content:
    if view.routes is None:
        return Content("?")
    fewer = view.routes < view.routes_wanted
    return Content.styled(f"{view.routes}/{view.routes_wanted}", "bold $text-warning" if fewer else "")


def _cpu(view: NodeView, width: int) -> Content:
    if not view.cpu:
        return Content("")
    return Content(f"{spark(view.cpu, width, least_top=0.25)} {view.cpu[-1]:>4.0%}")


def _memory(view: NodeView, width: int) -> Content:
    if not view.memory:
        return Content("")
    bars = f"{spark(view.memory, width, least_top=1)} " if width else ""
    return Content(f"{bars}{view.memory[-1] / _MIB:.0f} MiB" if width else f"{view.memory[-1] / _MIB:.0f}M")


def _port(address: str) -> str:
    return f":{address.rpartition(':')[2]}" if address else ""
