"""The logs pane: the lines of all nodes in one list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from textual.binding import Binding, BindingType

from stanlocal.logs.merge import NodeLine
from stanlocal.tui.log_buffer import LogBuffer, Mark, Severity, mark
from stanlocal.tui.replay import ENGINE
from stanlocal.tui.widgets.line_view import LineView
from stanlocal.tui.widgets.lines_pane import LinesPane
from stanlocal.tui.widgets.row_text import clock, one_line

_COLOURS = 6
_STYLES = {Mark.NONE: "", Mark.MILESTONE: "log--milestone", Mark.TROUBLE: "log--trouble"}


class LogView(LineView[NodeLine]):
    """Lines with time, node in its colour, mark, level and message."""

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
        """Width of the longest node's name."""

    def parts(self, row: NodeLine) -> Sequence[tuple[str, str]]:
        line, kind = row.line, mark(row.line)
        number = int(row.node.rpartition("-")[2]) % _COLOURS
        return (
            (f"{clock(line.time)} ", "log--time"),
            (f"{row.node:<{self.name_width}} ", f"log--node-{number}"),
            (f"{kind.value} {line.level or '---'} {one_line(line.message)}", _STYLES[kind]),
        )

    def words(self, row: NodeLine) -> str:
        return f"{row.node} {one_line(row.line.message)}"

    def time(self, row: NodeLine) -> datetime:
        return row.line.time


T = TypeVar("T")


class LogsPane(LinesPane):
    """The newest lines in time order, filtered by node and level."""

    KIND = "logs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "next_node", "Only node", id="logs.node", tooltip="show one node, or all"),
        Binding("l", "next_severity", "Level", id="logs.level", tooltip="show only severe lines"),
    ]

    def __init__(self, buffer: LogBuffer | None = None) -> None:
        self._log = LogView(id="logs-view")
        super().__init__(self._log)
        self._buffer = LogBuffer() if buffer is None else buffer
        self._skipped = 0

    def add(self, lines: Sequence[NodeLine], skipped: int = 0, *, replay: bool = False) -> None:
        """Add lines; `skipped` lines before them are missing.

        With `replay` they begin again with the past, and replace all earlier lines.
        """
        if replay:
            self._buffer.clear()
        new = self._buffer.add(lines)
        self._skipped += skipped
        self._log.name_width = max([self._log.name_width, *(len(line.node) for line in lines)])
        self._view.show(self._buffer.shown, new)
        self.refresh_status()

    def status(self) -> Iterable[str]:
        if self.document and self.document.get("engine") == ENGINE:
            yield "a drill's ledger has no log lines"
            return
        wanted = self._buffer.filter
        yield from super().status()
        yield wanted.node or "all nodes"
        yield wanted.severity.value
        yield f"{len(self._view.rows):,} lines"
        if self._skipped:
            yield f"{self._skipped:,} skipped"

    def action_next_node(self) -> None:
        """Show all nodes, then each alone."""
        nodes = [node["name"] for node in self.document["nodes"]] if self.document else []
        wanted = self._buffer.filter
        self._choose(node=_after(wanted.node, [None, *nodes]))

    def action_next_severity(self) -> None:
        self._choose(severity=_after(self._buffer.filter.severity, list(Severity)))

    def _choose(self, **change: Any) -> None:
        self._buffer.filter = replace(self._buffer.filter, **change)
        self._view.replace(self._buffer.shown)
        self.refresh_status()


def _after(current: T, choices: Sequence[T]) -> T:
    """Return the choice after the current one, the first if that is gone."""
    place = choices.index(current) if current in choices else -1
    return choices[(place + 1) % len(choices)]
