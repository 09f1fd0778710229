"""The contents of the table, and the page around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.page import load_average, machine, page, verdict
from tests.bench.tui.load import LINES_PER_S, MESSAGES_PER_S
from tests.bench.tui.terminal import COLUMNS, ROWS


@dataclass(frozen=True, slots=True)
class Row:
    """A measured value beside the demanded one."""

    what: str
    figure: str
    demand: str
    holds: bool


def table(rows: Sequence[Row]) -> str:
    """The whole page."""
    return page(
        "The terminal interface on a busy group",
        bench="tui",
        how=f"{COLUMNS}x{ROWS}, one node of three writes {LINES_PER_S:,} lines/s, the interface shows them "
        f"and receives {MESSAGES_PER_S:,} messages/s. Keys pause and follow, change the level and the tab.",
        machine=f"{machine()}; {load_average()}, what was measured included",
        columns=("what", "figure", "demanded", "verdict"),
        rows=((row.what, row.figure, row.demand, verdict(row.holds)) for row in rows),
    )
