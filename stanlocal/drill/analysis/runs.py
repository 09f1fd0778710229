"""Sorted numbers as runs of consecutive ones. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby


def runs(
    numbers: Iterable[int], kind: Callable[[int], object] = lambda number: None
) -> Iterator[tuple[int, int]]:
    """Yield the first and last number of each run; all numbers of a run are of the same kind."""
    for _, run in groupby(enumerate(numbers), lambda each: (each[1] - each[0], kind(each[1]))):
        members = [number for _, number in run]
        yield members[0], members[-1]
