"""The nodes' lines as rows: time, node in its colour, mark, level, message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from stanlocal.logs.merge import NodeLine
from stanlocal.tui.milestones import Mark, mark
from stanlocal.tui.widgets.line_view import LineView
from stanlocal.util.printable import printable as escaped

_LONGEST = 4_000
"""Characters of a message that are shown: output is not to be trusted."""
_COLOURS = 6
_STYLES = {Mark.NONE: "", Mark.MILESTONE: "log--milestone", Mark.TROUBLE: "log--trouble"}


class LogView(LineView[NodeLine]):
    """The merged log."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--time",
        "log--milestone",
        "log--trouble",
        *(f"log--node-{number}" for number in range(_COLOURS)),
    }
    DEFAULT_CSS = """
    LogView {
        .log--time { text-style: dim; }
        .log--milestone { text-style: bold; }
        .log--trouble { color: $text-error; text-style: bold; }
        .log--node-0 { color: $text-accent; }
        .log--node-1 { color: $text-primary; }
        .log--node-2 { color: $text-secondary; }
        .log--node-3 { color: $text-success; }
        .log--node-4 { color: $text-warning; }
        .log--node-5 { color: $text-error; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.name_width = 0
        """Columns for the nodes' names."""

    def parts(self, row: NodeLine) -> Sequence[tuple[str, str]]:
        line, kind = row.line, mark(row.line)
        number = int(row.node.rpartition("-")[2]) % _COLOURS
        return (
            (f"{clock(line.time)} ", "log--time"),
            (f"{row.node:<{self.name_width}} ", f"log--node-{number}"),
            (f"{kind.value} {line.level or '---'} {printable(line.message)}", _STYLES[kind]),
        )

    def words(self, row: NodeLine) -> str:
        return f"{row.node} {printable(row.line.message)}"

    def time(self, row: NodeLine) -> datetime:
        return row.line.time


def printable(message: str) -> str:
    """On one line, without anything that a terminal would act on: clients choose what is logged."""
    cut = message if len(message) <= _LONGEST else f"{message[:_LONGEST]} …"
    return escaped(cut)


def clock(time: datetime) -> str:
    """Local time of day, to the millisecond."""
    return time.astimezone().strftime("%H:%M:%S.%f")[:-3]
