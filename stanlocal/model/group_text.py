"""The group document for people: a heading, a line for each node, problems, faults in force. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from stanlocal.model.group_document import marks, meaning
from stanlocal.util import columns
from stanlocal.util.styled import Part, Styled

STYLES = {
    "active": "bold green",
    "standby": "cyan",
    "recovering": "yellow",
    "starting": "yellow",
    "created": "dim",
    "stopped": "dim",
    "failed": "bold red",
    "healthy": "bold green",
    "degraded": "yellow",
    "failover": "bold yellow",
    "blocked": "bold red",
    "split-brain": "bold white on red",
    "down": "dim",
}
"""Styles of the states of nodes and groups."""
FIGURES = (5, 6)
"""Numbers of the columns of `table` that hold figures."""
IN_CLUSTER = "these addresses are within the cluster; 'stanlocal forward' opens ports of this machine"
"""Note on the addresses of a cluster's group."""


def text(document: Mapping[str, Any]) -> str:
    """Return the whole document as plain text."""
    heads, rows = table(document)
    lines = [*heading(document), *columns.lines(heads, rows, FIGURES), *notes(document)]
    return "\n".join("".join(map(str, line)) for line in lines)


def styled(state: str) -> Part:
    """Return a state's name in its colour."""
    return Styled(state, STYLES[state]) if state in STYLES else state


def heading(document: Mapping[str, Any]) -> Iterator[list[Part]]:
    """Yield the lines above the table: the group's state with its meaning, and its problem."""
    engine = Styled(f"({document['engine']})", "dim")
    yield [f"{document['group']}: ", styled(document["state"]), f", {meaning(document)} ", engine]
    if document["problem"]:
        yield [Styled(document["problem"], "red")]


def table(
    document: Mapping[str, Any], usage: Mapping[str, tuple[float, int]] | None = None
) -> tuple[Sequence[str], Sequence[Sequence[Part]]]:
    """Return the heads and a row for each node; `usage` has the CPU share and resident bytes of each."""
    heads = ("NODE", "STATE", "LOCK", "CLIENTS", "MONITOR", *(("CPU", "MEM") if usage else ()))
    rows = []
    for node in document["nodes"]:
        found = marks(document, node)
        row: list[Part] = [
            node["name"],
            Styled(" ".join([node["state"], *found]), "yellow") if found else styled(node["state"]),
            "holds" if document["lock_holder"] == node["name"] else "",
            _address(node["client_url"]),
            _address(node["monitor_url"]),
        ]
        rows.append([*row, *_usage(usage.get(node["name"]))] if usage else row)
    return heads, rows


def notes(document: Mapping[str, Any]) -> Iterator[list[Part]]:
    """Yield the lines below the table: problems of nodes, faults in force, and where addresses lead."""
    for node in document["nodes"]:
        if node["problem"]:
            yield [f"{node['name']}: ", Styled(node["problem"], "red")]
    for fault in document["faults"]:
        since = datetime.fromisoformat(fault["since"]).astimezone()
        yield [f"in force since {since:%H:%M:%S}: {fault['name']} {', '.join(fault['targets'])}"]
    if document["engine"] == "kubernetes":
        yield [Styled(IN_CLUSTER, "dim")]


def _address(url: str) -> str:
    return url.partition("://")[2]


def _usage(used: tuple[float, int] | None) -> list[str]:
    return ["", ""] if used is None else [f"{used[0]:.0%}", f"{used[1] / (1 << 20):.0f} MiB"]
