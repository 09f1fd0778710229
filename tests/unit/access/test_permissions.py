"""Permissions of NATS users, as a client of NATS Streaming needs them."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.access.permissions import covers, missing, overlap

BOTH = ["_STAN.>", "_INBOX.>"]


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        (None, []),
        ({}, []),
        ({"publish": BOTH, "subscribe": BOTH}, []),
        ({"publish": ">", "subscribe": ["_INBOX.> workers", "_STAN.acks.>"]}, []),
        ({"publish": {"deny": "orders.>"}}, []),
        ({"publish": "orders.>"}, ["publish _STAN.>", "publish _INBOX.>"]),
        ({"subscribe": "_INBOX.>"}, ["subscribe _STAN.>"]),
        ({"publish": {"allow": ">", "deny": ["_STAN.pub.*.secret"]}}, ["publish _STAN.pub.*.>"]),
        (
            {"publish": ["_STAN.discover.c", "_STAN.discover.c.pings", "_STAN.*.*", "_INBOX.>"]},
            ["publish _STAN.pub.*.>"],
        ),
    ],
)
def test_missing_permissions_are_listed(permissions: dict[str, Any] | None, expected: list[str]) -> None:
    assert missing(permissions, "c") == expected


@pytest.mark.parametrize(
    ("pattern", "subject", "covered"),
    [
        ("a.b", "a.b", True),
        ("a.*", "a.b", True),
        ("a.>", "a.*.>", True),
        (">", "a", True),
        ("a.*", "a.>", False),
        ("a.>", "a", False),
        ("a", "a.b", False),
        ("a.b.c", "a.b", False),
        ("a.b", "a.*", False),
    ],
)
def test_pattern_covers_a_subject_with_all_that_it_stands_for(
    pattern: str, subject: str, covered: bool
) -> None:
    assert covers(pattern, subject) is covered


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [("a.*", "*.b", True), ("a.>", "a.b.c", True), ("a.b", "a.c", False), ("a", "a.b", False)],
)
def test_patterns_overlap_where_a_subject_matches_both(one: str, other: str, common: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is common
