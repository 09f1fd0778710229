"""Totals over the trials of a run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from tests.soak.trial_log import Entry


def all_units(entries: Sequence[Entry]) -> int:
    """Return how many units the trials made."""
    return sum(each.result.units for each in entries)


def total(entries: Sequence[Entry], name: str) -> int:
    """Return the sum of a count."""
    return sum(each.result.counts.get(name, 0) for each in entries)


def values(entries: Sequence[Entry], name: str) -> list[float]:
    """Return the measured values of a figure."""
    return list(chain.from_iterable(each.result.figures.get(name, ()) for each in entries))
