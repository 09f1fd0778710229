"""The charts of a drill's report: rates, outages, failovers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stanlocal import drawing
from stanlocal.drill.findings import Findings, Second
from stanlocal.drill.report_timeline import clock, length_s
from stanlocal.failovers import Failover

_WIDTH, _HEIGHT = 960, 260
_MOST = 240
"""Points of a line: more would not be seen, and each takes some bytes."""


def rates(found: Findings) -> str:
    """Acknowledged and delivered messages a second, over the drill, as an SVG document."""
    chart = drawing.charts().XY(
        **_look("#2980b9", "#27ae60"),
        title="Messages a second",
        x_title="minutes and seconds since the start",
        show_dots=False,
        x_value_formatter=clock,
        xrange=(0, length_s(found)),
    )
    seconds = _coarser(found.rates)
    chart.add("acknowledged", [(at, acked) for at, acked, _ in seconds])
    chart.add("delivered", [(at, delivered) for at, _, delivered in seconds])
    return drawing.as_svg(chart)


def outages(found: Findings) -> str:
    """A bar for each outage as all publishers together saw it, as an SVG document."""
    seen = [each for each in found.outages if each.publisher is None]
    chart = drawing.charts().Bar(
        **_look("#c0392b"),
        title="Outages, in ms from the fault to the first ack",
        show_legend=False,
        x_label_rotation=40,
        no_data_text="no outage",
        truncate_label=20,
    )
    started = found.header.started
    chart.x_labels = [
        f"{clock(int((each.began - started).total_seconds()))} {each.fault or ''}" for each in seen
    ]
    chart.x_labels_major_count, chart.show_minor_x_labels = 24, len(seen) <= 24
    chart.add("outage", [each.ms for each in seen])
    return drawing.as_svg(chart)


def failovers(found: Sequence[Failover]) -> str:
    """A bar for each failover, with its phases, as an SVG document."""
    return drawing.svg(found)


def _look(*colours: str) -> dict[str, Any]:
    style = drawing.style(*colours)
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
