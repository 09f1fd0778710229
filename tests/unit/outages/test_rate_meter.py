"""The meter of rates."""

from __future__ import annotations

from stanlocal.outages.rate_meter import RateMeter


def test_rate_is_that_of_the_last_two_seconds() -> None:
    meter = RateMeter()
    assert [meter.rate(0, 0), meter.rate(1, 100), meter.rate(2, 100)] == [0, 100, 50]
    assert [meter.rate(3, 100), meter.rate(4, 300), meter.rate(4, 300)] == [0, 100, 100]


def test_rate_has_the_window_it_is_given() -> None:
    meter = RateMeter(window_s=1.0)
    assert [meter.rate(0, 0), meter.rate(1, 100), meter.rate(2, 100)] == [0, 100, 0]
