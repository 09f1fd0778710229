"""Times in nanoseconds, as Go writes them."""

from __future__ import annotations

import pytest

from stanlocal.util.timestamps import from_rfc3339_ns, rfc3339_ns


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:01:40.5Z", 100_500_000_000),
        ("2023-11-14T22:13:20.000000001Z", 1_700_000_000_000_000_001),
    ],
)
def test_a_time_is_read_to_the_nanosecond(stamp: str, time: int) -> None:
    assert from_rfc3339_ns(stamp) == time
    assert from_rfc3339_ns(rfc3339_ns(time)) == time
