"""Sizes and durations are read as the server reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.settings.values import format_duration, format_size, parse_duration, parse_size
from stanlocal.util.integers import INT64_MAX

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", 1048576),
        ("64k", 64_000),
        ("64kb", 65536),
        ("64Ki", 65536),
        ("64KiB", 65536),
        ("32mb", 32 * 1024**2),
        ("3M", 3_000_000),
        ("256gb", 256 * 1024**3),
        ("1 tb", 1024**4),
        ("7eb", 7 * 1024**6),
        (" 5b ", 5),
        ("-1", -1),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "x", "1.5mb", "mb", "1kbb", "1ib", "1_000", "٣", "9" * 30, "8eb"])
def test_an_invalid_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is (not a size|more than)"):
        parse_size(text)


@given(st.integers(-INT64_MAX, INT64_MAX))
def test_any_size_survives_being_written_and_read(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("1h", 3600 * SECOND),
        ("1h30m", 5400 * SECOND),
        ("1.5h", 5400 * SECOND),
        (".5s", SECOND // 2),
        ("250ms", SECOND // 4),
        ("10us", 10_000),
        ("10µs", 10_000),
        ("10μs", 10_000),
        ("1m1ns", 60 * SECOND + 1),
        ("+2s", 2 * SECOND),
        ("-2s", -2 * SECOND),
    ],
)
def test_durations_are_read(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text", ["", "5", "1d", "h", "1h 30m", "1hour", "- 1s", "9999999h", "1s" * 200, "1,5s"]
)
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is (not a duration|longer than)"):
        parse_duration(text)


@given(st.integers(0, INT64_MAX))
def test_any_duration_survives_being_written_and_read(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


def outcome(parse: Callable[[str], int], text: str) -> int | str:
    try:
        return parse(text)
    except ValueError as error:
        return str(error)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Hostile text raises nothing but `ValueError` with a reason."""
    for parse in (parse_size, parse_duration):
        came_of_it = outcome(parse, text)
        assert abs(came_of_it) <= INT64_MAX if isinstance(came_of_it, int) else came_of_it.startswith("is ")
