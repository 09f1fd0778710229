"""A row of the table, and the statistics in it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from tests.bench.page import verdict


@dataclass(frozen=True, slots=True)
class Row:
    """A measured value beside the demanded one."""

    what: str
    ours: str
    peer: str
    ratio: str
    demand: str
    holds: bool

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the row as the table shows it."""
        return (self.what, self.ours, self.peer, self.ratio, self.demand, verdict(self.holds))


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def p99(values: Sequence[float]) -> float:
    return sorted(values)[max(0, round(len(values) * 0.99) - 1)]


def timed(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    begin = perf_counter()
    work()
    return perf_counter() - begin


def compared(what: str, ours: Sequence[float], peer: Sequence[float], at_most: float) -> Row:
    """A row of two columns of seconds that were measured in turns."""
    ratio = median(ours) / median(peer)
    return Row(
        what,
        f"{median(ours):.2f} s ({min(ours):.2f}-{max(ours):.2f})",
        f"{median(peer):.2f} s ({min(peer):.2f}-{max(peer):.2f})",
        f"{ratio:.2f}",
        f"ratio at most {at_most:g}",
        ratio <= at_most,
    )


def bounded(what: str, ours: Sequence[float], at_most_s: float) -> Row:
    """A row of seconds with a bound of its own."""
    said = f"{median(ours):.3f} s ({min(ours):.3f}-{max(ours):.3f})"
    return Row(what, said, "", "", f"at most {at_most_s:g} s", median(ours) <= at_most_s)
