"""The number of random inputs that a test tries: all of them, or few while someone works."""

from __future__ import annotations

import os

_QUICK = 8
"""Part of the inputs that is tried with `TEST_EFFORT=quick`."""


def inputs(count: int) -> int:
    """Return how many of so many random inputs to try; one at least."""
    quick = os.environ.get("TEST_EFFORT") == "quick"
    return max(count // _QUICK, 1) if quick else count
