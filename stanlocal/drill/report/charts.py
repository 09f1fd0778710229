"""The charts of a drill's report: rates, outages, failovers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stanlocal.drill.analysis.findings import Findings, Second
from stanlocal.drill.report.lanes import clock, length_s
from stanlocal.history import charts
from stanlocal.history.failovers import Failover

_WIDTH, _HEIGHT = 960, 260
_TIME = "minutes and seconds since the start"
_MOST = 240
"""Points of a line: more would not be seen, and each takes some bytes."""


def rates(found: Findings) -> str:
    """Acknowledged and delivered messages a second, over the drill, as an SVG document."""
    chart = charts.charts().XY(
        **_look("#2980b9", "#27ae60"),
        title="Messages a second",
        x_title=_TIME,
        show_dots=False,
        x_value_formatter=clock,
        xrange=(0, length_s(found)),
    )
    seconds = _coarser(found.rates)
    chart.add("acknowledged", [(at, acked) for at, acked, _ in seconds])
    chart.add("delivered", [(at, delivered) for at, _, delivered in seconds])
    return charts.as_svg(chart)


def outages(found: Findings) -> str:
    """A dot for each outage as all publishers together saw it, as an SVG document."""
    chart = charts.charts().XY(
        **_look("#c0392b", "#95a5a6"),
        title="Outages, in ms up to the first ack",
        x_title=_TIME,
        stroke=False,
        dots_size=3,
        x_value_formatter=clock,
        xrange=(0, length_s(found)),
        no_data_text="no outage",
    )
    seen = [each for each in found.outages if each.publisher is None]
    for name, explained in (("after a fault", True), ("that no fault explains", False)):
        dots = [each for each in seen if (each.fault is not None) is explained]
        chart.add(name, [((each.began - found.header.started).total_seconds(), each.ms) for each in dots])
    return charts.as_svg(chart)


def failovers(found: Sequence[Failover]) -> str:
    """A bar for each failover, with its phases, as an SVG document."""
    return charts.svg(found)


def _look(*colours: str) -> dict[str, Any]:
    style = charts.style(*colours)
    return {"style": style, "width": _WIDTH, "height": _HEIGHT, "js": [], "legend_at_bottom": True}


def _coarser(seconds: Sequence[Second]) -> list[tuple[float, float, float]]:
    """At most `_MOST` of them: their middle, and their means."""
    size = -(-len(seconds) // _MOST) or 1
    spans = [seconds[begin : begin + size] for begin in range(0, len(seconds), size)]
    return [
        (
            (span[0].second + span[-1].second + 1) / 2,
            sum(each.acked for each in span) / len(span),
            sum(each.delivered for each in span) / len(span),
        )
        for span in spans
    ]
