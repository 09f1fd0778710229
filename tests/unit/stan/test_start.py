"""Start positions as people write them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.stan import StartTime, StartTimeDelta
from stanlocal.stan.errors import InvalidOption
from stanlocal.stan.start import since


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("0.5d", timedelta(hours=12)),
        ("250ms", timedelta(milliseconds=250)),
    ],
)
def test_a_time_ago_has_units(text: str, ago: timedelta) -> None:
    assert since(text) == StartTimeDelta(ago)


def test_a_time_is_kept() -> None:
    assert since("2026-01-31T12:00:00Z") == StartTime(datetime(2026, 1, 31, 12, tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "yesterday", "9" * 30 + "d"])
def test_other_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidOption, match="give"):
        since(text)


@given(st.text())
def test_any_text_is_a_position_or_an_invalid_option(text: str) -> None:
    with suppress(InvalidOption):
        assert isinstance(since(text), StartTime | StartTimeDelta)
