"""Failovers as a picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from stanlocal.history import charts
from stanlocal.history.failovers import PHASES, Failover

T0 = datetime(2026, 1, 1, tzinfo=UTC)
FAILOVER = Failover(
    cause="<kill>",
    from_node="t-0",
    to_node="t-1",
    started_at=T0,
    detected_at=T0 + timedelta(milliseconds=3),
    lock_at=T0 + timedelta(milliseconds=700),
    recovered_at=None,
    ready_at=T0 + timedelta(milliseconds=720),
    first_ack_at=T0 + timedelta(milliseconds=730),
)


def test_the_picture_names_each_phase_and_runs_nothing() -> None:
    text = charts.svg([FAILOVER, FAILOVER])
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [part for part in root.iter() if str(part.tag).endswith("script")]
    assert not [name for part in root.iter() for name in part.attrib if name.startswith("on")]
    assert all(phase in text for phase in PHASES)


def test_there_is_a_picture_of_nothing() -> None:
    assert ElementTree.fromstring(charts.svg([])).tag.endswith("svg")


@pytest.mark.parametrize(
    ("longest", "width", "expected"),
    [
        (730.0, 73, [0, 70, 0, 2, 1]),
        (1460.0, 73, [0, 35, 0, 1, 0]),
        (730.0, 10, [0, 10, 0, 0, 0]),
        (0.0, 10, [0, 0, 0, 0, 0]),
    ],
)
def test_a_bar_in_a_terminal_is_as_long_as_its_phases_together(
    longest: float, width: int, expected: list[int]
) -> None:
    assert charts.cells(FAILOVER, longest, width) == expected


def test_the_longest_is_measured_to_the_last_that_was_seen() -> None:
    assert charts.longest_ms([replace(FAILOVER, first_ack_at=None), FAILOVER]) == 730
    assert charts.longest_ms([]) == 0


def test_the_page_has_the_figures_and_takes_names_for_text() -> None:
    text = charts.page([FAILOVER], "<b>")
    assert "<kill>" not in text
    assert "<b>" not in text
    assert '<td class="n">697.0</td>' in text
    assert "p50 730 ms" in text
