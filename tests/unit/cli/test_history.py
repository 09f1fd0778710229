"""`logs --since`: the times that it takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest

from stanlocal.cli.history import Since


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_time_is_in_utc_unless_it_names_its_zone(text: str, expected: datetime) -> None:
    assert Since().convert(text, None, None) == expected


@pytest.mark.parametrize(("text", "ago"), [("90s", 90), ("5m", 300), ("1.5h", 5400), ("500ms", 0.5)])
def test_a_duration_counts_from_now(text: str, ago: float) -> None:
    since = Since().convert(text, None, None)
    age = datetime.now(UTC) - since
    assert timedelta(seconds=ago) <= age < timedelta(seconds=ago + 5)


@pytest.mark.parametrize("text", ["yesterday", "", "5", "1w"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=f"'{text}' is not a time; give 10m, 2h or 2026-"):
        Since().convert(text, None, None)


@pytest.mark.parametrize("text", ["999999d", "99999999999999d", "9" * 400 + "s"])
def test_a_duration_before_the_first_year_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is too long ago"):
        Since().convert(text, None, None)
