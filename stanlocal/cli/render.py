"""Group documents for people: aligned, states in colour on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from stanlocal.cli import columns, printing
from stanlocal.cli.printing import Part, Styled
from stanlocal.model.group_document import meaning

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
NODE_COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")


def styled(state: str) -> Part:
    """Return a state's name in its colour."""
    return Styled(state, STYLES[state]) if state in STYLES else state


def group(document: Mapping[str, Any], usage: Mapping[str, tuple[float, int]] | None = None) -> None:
    """Print the group document; `usage` has each running node's CPU share and resident bytes."""
    engine = Styled(f"({document['engine']})", "dim")
    printing.echo(f"{document['group']}: ", styled(document["state"]), f", {meaning(document)} ", engine)
    if document["problem"]:
        printing.echo(Styled(document["problem"], "red"))
    heads = ("NODE", "STATE", "LOCK", "CLIENTS", "MONITOR", *(("CPU", "MEM") if usage else ()))
    rows = []
    for node in document["nodes"]:
        marks = [mark for mark in ("paused", "partitioned") if node[mark]]
        row: list[Part] = [
            node["name"],
            Styled(" ".join([node["state"], *marks]), "yellow") if marks else styled(node["state"]),
            "holds" if document["lock_holder"] == node["name"] else "",
            _address(node["client_url"]),
            _address(node["monitor_url"]),
        ]
        rows.append([*row, *_usage(usage.get(node["name"]))] if usage else row)
    columns.show(heads, rows, right=(5, 6))
    for node in document["nodes"]:
        if node["problem"]:
            printing.echo(f"{node['name']}: ", Styled(node["problem"], "red"))
    for fault in document["faults"]:
        since = datetime.fromisoformat(fault["since"]).astimezone()
        printing.echo(f"in force since {since:%H:%M:%S}: {fault['name']} {', '.join(fault['targets'])}")


def _address(url: str) -> str:
    return url.partition("://")[2]


def _usage(used: tuple[float, int] | None) -> list[str]:
    return ["", ""] if used is None else [f"{used[0]:.0%}", f"{used[1] / (1 << 20):.0f} MiB"]


def groups(documents: Sequence[Mapping[str, Any]]) -> None:
    """Print one line for each group; client addresses are folded on a terminal."""
    rows = [
        (
            document["group"],
            styled(document["state"]),
            document["active"] or "-",
            len(document["nodes"]),
            ",".join(document["client_urls"]),
        )
        for document in documents
    ]
    columns.show(("GROUP", "STATE", "ACTIVE", "NODES", "CLIENTS"), rows, folded=4)
