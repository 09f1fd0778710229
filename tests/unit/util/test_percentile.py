"""Percentiles are of the values themselves, and there is none of nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stanlocal.util.percentile import percentile


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 100))
def test_a_percentile_is_one_of_the_values_with_its_share_below_it(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * share / 100


def test_nothing_has_no_percentile() -> None:
    assert percentile([], 50) is None
