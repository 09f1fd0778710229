"""The charts of a drill's report: rates and outages over time. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from stanlocal.drill.analysis.findings import Findings, Second
from stanlocal.drill.report.lanes import clock, length_s, ticks
from stanlocal.util.svg import Series, plot

_MOST_POINTS = 240
"""Points of a line: more could not be seen, and each takes bytes."""


def rates(found: Findings) -> str:
    """Draw the acknowledged and delivered messages per second, as an SVG document."""
    seconds = _coarser(found.rates)
    acked = Series("acknowledged", "#2980b9", [(at, acked) for at, acked, _ in seconds])
    delivered = Series("delivered", "#27ae60", [(at, delivered) for at, _, delivered in seconds])
    return _plot(found, "Messages per second", [acked, delivered], empty="no message")


def outages(found: Findings) -> str:
    """Draw a dot for each outage that all publishers together saw, as an SVG document."""
    seen = [each for each in found.outages if each.publisher is None]

    def series(name: str, colour: str, *, explained: bool) -> Series:
        dots = [each for each in seen if (each.fault is not None) is explained]
        started = found.header.started
        return Series(name, colour, [((each.began - started).total_seconds(), each.ms) for each in dots])

    kinds = [
        series("after a fault", "#95a5a6", explained=True),
        series("not explained by a fault", "#c0392b", explained=False),
    ]
    return _plot(found, "Outages, in ms up to the first ack", kinds, dots=True, empty="no outage")


def _plot(found: Findings, title: str, series: Sequence[Series], *, empty: str, dots: bool = False) -> str:
    length = length_s(found)
    return plot(title, series, x_ticks=ticks(length), x_end=length, x_text=clock, dots=dots, empty=empty)


def _coarser(seconds: Sequence[Second]) -> list[tuple[float, float, float]]:
    """Return at most `_MOST_POINTS` spans of seconds: the middle and the mean rates of each."""
    size = -(-len(seconds) // _MOST_POINTS) or 1
    spans = [seconds[begin : begin + size] for begin in range(0, len(seconds), size)]
    return [
        (
            (span[0].second + span[-1].second + 1) / 2,
            sum(each.acked for each in span) / len(span),
            sum(each.delivered for each in span) / len(span),
        )
        for span in spans
    ]
