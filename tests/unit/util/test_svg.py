"""Charts as SVG documents."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.util.svg import LEFT, SPAN, Series, StackedBar, bars, plot, ticks

_SVG = "{http://www.w3.org/2000/svg}"
_HOSTILE = "<script>&\"'\x07"


def _rates(*series: Series, dots: bool = False) -> Xml.Element:
    text = plot(
        _HOSTILE, series, x_ticks=[0, 5], x_end=10, x_text="{:g} s".format, dots=dots, empty="nothing yet"
    )
    return Xml.fromstring(text)


def test_plot_draws_a_line_through_its_points() -> None:
    chart = _rates(Series("acked", "#123456", [(0, 0), (10, 100)]))
    (line,) = chart.iter(f"{_SVG}polyline")
    (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in line.attrib["points"].split())
    assert (x1, x2) == (LEFT, LEFT + SPAN)
    assert y1 - y2 == 180  # the highest point is a tick, at the top


def test_plot_draws_a_dot_with_a_tooltip_for_each_point() -> None:
    chart = _rates(Series("after a fault", "#123456", [(5, 1500)]), dots=True)
    (dot,) = chart.iter(f"{_SVG}circle")
    assert float(dot.attrib["cx"]) == LEFT + SPAN / 2
    assert dot.findtext(f"{_SVG}title") == "5 s after a fault: 1,500"


def test_plot_without_points_says_so() -> None:
    assert "nothing yet" in "".join(_rates(Series("acked", "#123456", [])).itertext())


def test_bars_parts_follow_each_other_and_a_missing_one_takes_no_room() -> None:
    chart = Xml.fromstring(
        bars("phases", ["a", "b", "c"], ["#1", "#2", "#3"], [StackedBar(_HOSTILE, [30, None, 10])], empty="")
    )
    parts = [part for part in chart.iter(f"{_SVG}rect") if part.find(f"{_SVG}title") is not None]
    begins = [float(part.attrib["x"]) for part in parts]
    widths = [float(part.attrib["width"]) for part in parts]
    assert begins[1] == begins[0] + widths[0]
    assert widths[0] == 3 * widths[1]
    assert [part.attrib["fill"] for part in parts] == ["#1", "#3"]


@given(st.floats(0.001, 1e12), st.integers(1, 12))
def test_ticks_beyond_the_end_are_few_and_reach_it(end: float, most: int) -> None:
    found = ticks(end, most=most, beyond=True)
    assert found[0] == 0
    assert found[-1] >= end * (1 - 1e-9)
    assert 2 <= len(found) <= most + 2


@pytest.mark.parametrize(("end", "expected"), [(730, [0, 100, 200, 300, 400, 500, 600, 700]), (1, [0, 0.1])])
def test_ticks_are_round(end: float, expected: list[float]) -> None:
    assert ticks(end)[: len(expected)] == expected
