"""Conditions that a drill waits for."""

from __future__ import annotations

import pytest

from stanlocal.drill.scenario.conditions import Condition, Seen
from stanlocal.model.states import GroupState

HEALTHY, BLOCKED = GroupState.HEALTHY, GroupState.BLOCKED


@pytest.mark.parametrize(
    ("condition", "seen", "missing"),
    [
        (Condition(HEALTHY), Seen(HEALTHY), ""),
        (Condition(HEALTHY), Seen(BLOCKED), "the group is blocked, not healthy"),
        (Condition(failovers=1), Seen(HEALTHY, failovers=1), ""),
        (Condition(failovers=2), Seen(HEALTHY, failovers=1), "1 of 2 failovers"),
        (Condition(acked=10), Seen(BLOCKED, acked=10), ""),
        (Condition(acked=10, delivered=5), Seen(HEALTHY, acked=9), "9 of 10 acked, 0 of 5 delivered"),
        (Condition(HEALTHY, acked=1), Seen(BLOCKED), "the group is blocked, not healthy, 0 of 1 acked"),
    ],
)
def test_a_condition_says_what_is_missing(condition: Condition, seen: Seen, missing: str) -> None:
    assert condition.missing(seen) == missing


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition(HEALTHY), "healthy"),
        (Condition(failovers=1, acked=50), "1 failover, 50 messages acked"),
        (Condition(BLOCKED, acked=1, delivered=2), "blocked, 1 message acked, 2 messages delivered"),
    ],
)
def test_a_condition_is_described_in_words(condition: Condition, words: str) -> None:
    assert str(condition) == words
