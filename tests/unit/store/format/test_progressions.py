"""Arrays of numbers that grow by one step are those that would be made number by number."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.store.format.progressions import progression


@given(st.integers(0, 1 << 62), st.integers(0, 1 << 40), st.integers(0, 9000))
def test_a_progression_is_what_a_range_would_give(first: int, step: int, count: int) -> None:
    assert progression(first, step, count) == array("Q", (first + step * n for n in range(count)))


def test_a_progression_reaches_the_largest_number_and_no_further() -> None:
    largest = (1 << 64) - 1
    assert progression(largest - 4, 2, 3) == array("Q", [largest - 4, largest - 2, largest])
    with pytest.raises(OverflowError):
        progression(largest - 4, 2, 4)
