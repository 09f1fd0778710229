"""Lines of nodes, as if they were just read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stanlocal.logs.line_patterns import parse
from stanlocal.logs.merge import NodeLine

START = datetime(2026, 11, 23, 9, 50, 15, tzinfo=UTC)


def node_line(node: str, message: str, *, at: float = 0.0, level: str | None = "INF") -> NodeLine:
    """A line of the streaming server, `at` seconds after `START`; without `level` printed bare."""
    time = START + timedelta(seconds=at)
    prefix = f"[1] {time:%Y/%m/%d %H:%M:%S.%f} [{level}] STREAM: " if level else ""
    return NodeLine(node, parse(prefix + message, time), None)


def numbered(count: int, *, node: str = "stan-0", first: int = 0) -> list[NodeLine]:
    """Lines `line 0`, `line 1` and so on, a millisecond apart."""
    return [node_line(node, f"line {number}", at=number / 1000) for number in range(first, first + count)]
