"""Nearest-rank percentiles. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value that at least `share` percent of the values do not exceed; None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    rank = math.ceil(len(ordered) * share / 100)
    return ordered[max(rank, 1) - 1]
