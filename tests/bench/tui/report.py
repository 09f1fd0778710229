"""The table as Markdown, with what it was measured on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.group.report import machine
from tests.bench.tui.load import LINES_PER_S, MESSAGES_PER_S
from tests.bench.tui.terminal import COLUMNS, ROWS

RESULTS = Path(__file__).parents[1] / "results" / "tui.md"


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured against what is demanded."""

    what: str
    figure: str
    demand: str
    holds: bool


def table(rows: Sequence[Row]) -> str:
    """The whole page."""
    head = [
        "# The terminal interface on a busy group",
        "",
        f"Made by `python -m tests.bench.tui` on {datetime.now(UTC):%Y-%m-%d}: {COLUMNS}x{ROWS}, one node of "
        f"three writes {LINES_PER_S:,} lines/s, the interface shows them and receives {MESSAGES_PER_S:,} "
        "messages/s. Keys pause and follow, change the level and the tab.",
        "",
        f"Machine: {machine()}; load {os.getloadavg()[1]:.1f} over the last 5 minutes, what was measured "
        "included.",
        "",
        "| what | figure | demanded | verdict |",
        "| --- | --- | --- | --- |",
    ]
    body = [
        f"| {row.what} | {row.figure} | {row.demand} | {'PASS' if row.holds else 'short'} |" for row in rows
    ]
    return "\n".join([*head, *body, ""])
