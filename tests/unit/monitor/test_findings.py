"""Findings about a group's channels."""

from __future__ import annotations

import pytest

from stanlocal.monitor.findings import findings


@pytest.mark.parametrize("pattern", ["orders.eu", "orders.*", "orders.>"])
def test_limit_of_subscriptions_applies_to_all_channels_that_its_pattern_matches(pattern: str) -> None:
    limits = {"max_subs": 1000, "channels": {pattern: {"max_subs": 10}}}
    channels = [{"name": "orders.eu", "subs_count": 9}, {"name": "other", "subs_count": 9}]
    assert [(each.name, each.subject, each.detail) for each in findings(channels, limits)] == [
        ("limit", "orders.eu", "'orders.eu' has 9 of 10 subscriptions; more are refused")
    ]
