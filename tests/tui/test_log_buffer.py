"""The buffer of lines: in order, bounded, filtered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.logs.merge import NodeLine
from stanlocal.tui.log_buffer import LogBuffer, LogFilter, Mark, Severity, mark
from tests.tui.lines import node_line, numbered

LEVELS = ("TRC", "DBG", "INF", "WRN", "ERR", "FTL", None)

batches = st.lists(
    st.lists(
        st.builds(
            lambda node, at, level: node_line(f"stan-{node}", "x", at=at, level=level),
            st.integers(0, 2),
            st.integers(0, 9),
            st.sampled_from(LEVELS),
        ),
        max_size=8,
    ),
    max_size=8,
)
filters = st.builds(LogFilter, st.sampled_from([None, "stan-0", "stan-1"]), st.sampled_from(Severity))


@given(batches, filters, st.integers(1, 20))
def test_buffer_shows_the_newest_lines_that_pass_the_filter_in_order(
    batches: list[list[NodeLine]], wanted: LogFilter, most: int
) -> None:
    live, late = LogBuffer(most_lines=most), LogBuffer(most_lines=most)
    live.filter = wanted
    for batch in batches:
        live.add(batch)
        late.add(batch)
    late.filter = LogFilter()
    everything = late.shown
    assert [line.line.time for line in everything] == sorted(line.line.time for line in everything)
    assert len(everything) == len(late) <= most
    assert list(live.shown) == [line for line in everything if wanted.of([line])]


def test_lines_of_the_same_moment_stay_in_the_order_in_which_they_came() -> None:
    buffer = LogBuffer()
    buffer.add([node_line("stan-0", "a"), node_line("stan-1", "b")])
    buffer.add([node_line("stan-0", "c", at=-1), node_line("stan-0", "d")])
    assert [line.line.message for line in buffer.shown] == ["c", "a", "b", "d"]


def test_the_oldest_lines_go_when_there_are_too_many() -> None:
    buffer = LogBuffer(most_lines=3)
    for line in numbered(5):
        buffer.add([line])
    assert [line.line.message for line in buffer.shown] == ["line 2", "line 3", "line 4"]


def test_long_lines_count_by_their_characters() -> None:
    buffer = LogBuffer(most_characters=10_000)
    for at in range(10):
        buffer.add([node_line("stan-0", "x" * 4_000, at=at)])
    assert len(buffer) == 2
    buffer.add([node_line("stan-0", "x" * 20_000, at=11)])
    assert len(buffer) == 0


@pytest.mark.parametrize(
    ("severity", "levels"),
    [
        (Severity.ALL, LEVELS),
        (Severity.INFO, ("INF", "WRN", "ERR", "FTL", None)),
        (Severity.WARNING, ("WRN", "ERR", "FTL", None)),
        (Severity.ERROR, ("ERR", "FTL", None)),
        (Severity.MILESTONES, ("FTL",)),
    ],
)
def test_a_severity_admits_its_level_and_all_that_is_worse(
    severity: Severity, levels: tuple[str | None, ...]
) -> None:
    lines = {level: node_line("stan-0", "x", level=level) for level in LEVELS}
    assert tuple(level for level, line in lines.items() if severity.of([line])) == levels


@pytest.mark.parametrize(
    ("message", "level", "expected", "milestone"),
    [
        ("Server is active", "INF", Mark.MILESTONE, True),
        ("Streaming Server is ready", "INF", Mark.MILESTONE, True),
        ("Shutting down.", "INF", Mark.MILESTONE, True),
        ("panic: out of cheese", None, Mark.TROUBLE, True),
        ('ft: serverID "x" claims to be active', "ERR", Mark.TROUBLE, True),
        ("something is wrong", "ERR", Mark.TROUBLE, False),
        ('Channel "orders" has been created', "INF", Mark.NONE, False),
    ],
)
def test_lines_of_failing_over_and_of_trouble_are_marked(
    message: str, level: str | None, expected: Mark, milestone: bool
) -> None:
    line = node_line("stan-0", message, level=level)
    assert mark(line.line) is expected
    assert bool(Severity.MILESTONES.of([line])) is milestone
