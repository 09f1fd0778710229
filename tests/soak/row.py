"""A row of evidence: a promise, how often it is tried, and how one trial is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.trial_log import Result, Trial


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of trial. Its page is made from the names of its counts and figures."""

    name: str
    title: str
    how: str
    """Text on how a trial is made, for the page."""
    unit: str
    """Plural of what is counted, such as `kills`."""
    wanted: int
    per_trial: int
    """Units of one trial."""
    cases: Sequence[str]
    """Variants, which take turns."""
    run: Callable[[Trial, Path], Result]
    """Makes a trial. The folder is empty, and is kept if the trial has problems or losses."""
    none_of: Mapping[str, str] = field(default_factory=dict)
    """Counts that must be 0, with their descriptions."""
    shown: Mapping[str, str] = field(default_factory=dict)
    """Other counts that the page shows, with their descriptions."""
    figures: Mapping[str, str] = field(default_factory=dict)
    """Measured values that the page draws, with their descriptions; in ms."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that a trial's process has beside those of the run."""
