"""The group for people: states in words and colour, aligned, plain where there is no terminal."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stanlocal.model.document import meaning

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

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


def load() -> None:
    """Loads what the first table would wait for."""
    console()
    table()


def console() -> Console:
    """Standard output; without colour when it is no terminal or NO_COLOR is set."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def table(*columns: str, right: Container[int] = ()) -> Table:
    """Aligned columns without lines; those whose numbers are in `right` hold figures."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, column in enumerate(columns):
        made.add_column(column, no_wrap=True, justify="right" if number in right else "left")
    return made


def styled(state: str) -> str:
    """A state's word in its colour, as rich markup."""
    style = STYLES.get(state)
    return f"[{style}]{state}[/]" if style else state


def group(document: Mapping[str, Any], usage: Mapping[str, tuple[float, int]] | None = None) -> None:
    """The group document; `usage` has each running node's CPU share and resident bytes."""
    from rich.markup import escape

    out = console()
    state = document["state"]
    out.print(
        f"{escape(document['group'])}: {styled(state)}, {meaning(document)} [dim]({document['engine']})[/]"
    )
    if document["problem"]:
        out.print(f"[red]{escape(document['problem'])}[/]")
    nodes = table(
        "NODE", "STATE", "LOCK", "CLIENTS", "MONITOR", *(("CPU", "MEM") if usage else ()), right=(5, 6)
    )
    for node in document["nodes"]:
        marks = [mark for mark in ("paused", "partitioned") if node[mark]]
        state = " ".join([styled(node["state"]), *(f"[yellow]{mark}[/]" for mark in marks)])
        row = [
            node["name"],
            state,
            "holds" if document["lock_holder"] == node["name"] else "",
            _address(node["client_url"]),
            _address(node["monitor_url"]),
        ]
        if usage:
            row += _usage(usage.get(node["name"]))
        nodes.add_row(*row)
    out.print(nodes)
    for node in document["nodes"]:
        if node["problem"]:
            out.print(f"{node['name']}: [red]{escape(node['problem'])}[/]")
    for fault in document["faults"]:
        since = datetime.fromisoformat(fault["since"]).astimezone()
        out.print(f"in force since {since:%H:%M:%S}: {escape(fault['name'])} {', '.join(fault['targets'])}")


def _address(url: str) -> str:
    return url.partition("://")[2]


def _usage(used: tuple[float, int] | None) -> list[str]:
    return ["", ""] if used is None else [f"{used[0]:.0%}", f"{used[1] / (1 << 20):.0f} MiB"]


def groups(documents: Sequence[Mapping[str, Any]]) -> None:
    """One line a group."""
    listed = table("GROUP", "STATE", "ACTIVE", "NODES", "CLIENTS")
    for document in documents:
        listed.add_row(
            document["group"],
            styled(document["state"]),
            document["active"] or "-",
            str(len(document["nodes"])),
            ",".join(document["client_urls"]),
        )
    console().print(listed)
