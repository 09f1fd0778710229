"""Log lines in a report: what a start repeats is folded, and nothing else."""

from __future__ import annotations

from itertools import pairwise

from stanlocal.logs.merge import NodeLine
from stanlocal.testing.log_report import folded
from tests.tui.telling import lines_of


def story() -> list[NodeLine]:
    """The lines of a real group of which the active node was killed and started again."""
    return list(lines_of("kill"))


def test_every_milestone_and_every_error_is_left() -> None:
    shown = [*folded(story())]
    whole = [each for each in story() if each.line.level not in ("INF", "DBG", "TRC")]
    assert whole
    for each in whole:
        assert any(each.line.message in line for line in shown)
    for milestone in ("Starting nats-streaming-server", "Starting in standby mode", "Server is active"):
        assert sum(milestone in line for line in shown) == sum(
            milestone in each.line.message for each in story()
        )
    assert sum("Streaming Server is ready" in line for line in shown) == 2


def test_what_a_start_repeats_is_counted() -> None:
    lines = story()
    shown = [*folded(lines)]
    counts = [int(line.split("... ")[1].split()[0]) for line in shown if " of its start" in line]
    assert len(shown) < len(lines) / 2
    assert sum(counts) + len(shown) - len(counts) == len(lines)
    assert not any("Go version" in line or "Store Limits" in line for line in shown)


def test_a_count_stands_before_the_milestone_that_ends_it() -> None:
    shown = [*folded(story())]
    pairs = [*pairwise(shown)]
    for count, milestone in (("15", "Starting in standby mode"), ("11", "Streaming Server is ready")):
        assert any(f"... {count} lines of its start" in one and two.endswith(milestone) for one, two in pairs)


def test_a_start_that_did_not_end_is_counted_last() -> None:
    assert [*folded(story()[:3])][-1].strip().endswith("lines of its start")
    assert [*folded([])] == []
