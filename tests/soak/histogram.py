"""A histogram as text, for pages that are read as Markdown and in a terminal alike. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

_WIDTH = 50
"""Characters of the longest bar."""
_STEPS = (1, 2, 5, 10)


def histogram(values: Sequence[float], *, bars: int = 16, unit: str = "ms") -> str:
    """Draw how often values fall into each of at most `bars` intervals of a round width.

    The slowest twentieth may be far away: everything above the last interval is in one more line.
    """
    if not values:
        return "no value"
    ordered = sorted(values)
    low, high = ordered[0], ordered[math.ceil(len(ordered) * 0.95) - 1]
    width = _round_up((high - low) / bars)
    first = math.floor(low / width)
    last = math.floor(high / width)
    counts = [0] * (last - first + 1)
    above = 0
    for value in ordered:
        index = math.floor(value / width) - first
        if index < len(counts):
            counts[index] += 1
        else:
            above += 1
    most = max(*counts, above, 1)
    rows = [
        (f"{begin * width:,.0f} to {(begin + 1) * width:,.0f}", count)
        for begin, count in enumerate(counts, first)
    ]
    if above:
        rows.append((f"more, up to {ordered[-1]:,.0f}", above))
    label = max(len(name) for name, _ in rows)
    return "\n".join(_row(f"{name:>{label}} {unit}", count, most) for name, count in rows)


def _row(name: str, count: int, most: int) -> str:
    bar = "█" * (max(1, round(count / most * _WIDTH)) if count else 0)
    return f"{name} {bar} {count:,}" if count else name


def _round_up(width: float) -> float:
    """Return the next larger of 1, 2, 5, 10, 20, 50, …"""
    if width <= 1:
        return 1
    power = 10 ** math.floor(math.log10(width))
    return float(next(step * power for step in _STEPS if step * power >= width))
