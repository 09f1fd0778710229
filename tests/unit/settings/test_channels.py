"""Names and patterns of channels."""

from __future__ import annotations

import pytest

from stanlocal.settings.store import channel_pattern


@pytest.mark.parametrize(
    "name", ["a", "a.b", "*", ">", "a.*", "*.a.>", "a-b_c", "$A", "ünï", 'quo"te', "a'b"]
)
def test_channels_and_patterns_are_accepted(name: str) -> None:
    assert channel_pattern(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a b",
        "a/b",
        "a*",
        "*a.b",
        "a.>.b",
        "a>",
        ">a",
        "a\nb",
        "a\0",
        "\"'",
        "\u202e",
    ],
)
def test_an_invalid_channel_or_pattern_is_refused(name: str) -> None:
    reason = channel_pattern(name)
    assert reason is not None
    assert reason.startswith("is not a channel name or pattern")
