"""The server's limits for a channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.store.format.slices import slices_of, summarize
from stanlocal.store.verify.limits import Limits, kept, limits_of, matches
from tests.support.stores import EPOCH, make_store, slice_of


@pytest.mark.parametrize(
    ("pattern", "channel", "does"),
    [
        ("orders", "orders", True),
        ("orders", "orders.eu", False),
        ("orders.*", "orders.eu", True),
        ("orders.*", "orders", False),
        ("orders.*", "orders.eu.fr", False),
        ("orders.>", "orders.eu.fr", True),
        ("orders.>", "orders", False),
        ("*.eu", "orders.eu", True),
        (">", "anything.at.all", True),
    ],
)
def test_patterns_match_as_subjects_do(pattern: str, channel: str, does: bool) -> None:
    assert matches(pattern, channel) is does


def test_narrow_patterns_come_after_wide_ones_and_what_is_not_set_is_inherited() -> None:
    settings = {
        "max_msgs": 10,
        "max_bytes": "1kb",
        "max_age": "1h",
        "channels": {
            "a.b": {"max_msgs": -1},
            "a.*": {"max_msgs": 20, "max_age": "5s"},
            ">": {"max_bytes": 7},
        },
    }
    assert limits_of(settings, "other") == Limits(10, 7, 3600 * 10**9)
    assert limits_of(settings, "a.c") == Limits(20, 7, 5 * 10**9)
    assert limits_of(settings, "a.b") == Limits(0, 7, 5 * 10**9)


@pytest.mark.parametrize(
    ("limits", "msgs"),
    [
        (Limits(), 100),
        (Limits(max_msgs=30), 30),
        (Limits(max_msgs=1000), 100),
        (Limits(max_age=20_500_000), 21),
        (Limits(max_age=1), 1),
        (Limits(max_msgs=50, max_age=10_500_000), 11),
    ],
)
def test_the_oldest_messages_go_until_all_limits_hold(tmp_path: Path, limits: Limits, msgs: int) -> None:
    store = make_store(tmp_path / "s", [slice_of([b"x"] * 60), slice_of([b"yy"] * 40, first=61)])
    slices = [(files, summarize(store, files)) for files in slices_of(store, "orders")]
    found = kept(store, slices, limits, now=EPOCH + 100 * 1_000_000)
    assert found is not None
    assert found.msgs == msgs
    if msgs:
        assert (found.first_seq, found.last_seq) == (101 - msgs, 100)
        half = kept(store, slices, Limits(max_bytes=found.bytes), now=EPOCH)
        assert half == found
        less = kept(store, slices, Limits(max_bytes=found.bytes - 1), now=EPOCH)
        assert less is not None
        assert less.msgs == max(msgs - 1, 1)
