"""Charts as SVG, for light and dark pages, without scripts or anything to load. Pure.

Each chart is a whole document that also fits into an HTML page. Texts are escaped here.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count
from math import ceil

from stanlocal.util.printable import printable

WIDTH = 1000
"""Width of every chart in its own units; a page scales it."""
LEFT = 130
"""Where the plot area of `plot` begins; names or figures stand left of it."""
SPAN = 860
"""Width of the plot area."""
_TOP = 44
_PLOT_HEIGHT = 180
_ROW_HEIGHT = 36
_BAR_HEIGHT = 14
_MARGIN = 10
_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}" role="img" \
aria-label="{title}">
<style>
.chart {{ font: 11px system-ui, sans-serif }} .chart text {{ fill: #333 }} .chart .title {{ font-size: 14px }}
.chart polyline {{ fill: none; stroke-width: 1.5 }}
.chart .paper {{ fill: #fff }} .chart line {{ stroke: #ddd }}
@media (prefers-color-scheme: dark) {{
.chart text {{ fill: #ccc }} .chart .paper {{ fill: #181a1b }} .chart line {{ stroke: #444 }}
}}
</style>
<rect class="paper" width="100%" height="100%"/>
<text class="title" x="10" y="16">{title}</text>
{body}
</svg>"""


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one kind, as (x, y)."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class StackedBar:
    """A bar of parts that follow each other; None for a part that is missing."""

    name: str
    parts: Sequence[float | None]


def plot(
    title: str,
    series: Sequence[Series],
    *,
    x_ticks: Sequence[float],
    x_end: float,
    x_text: Callable[[float], str],
    dots: bool = False,
    empty: str = "",
) -> str:
    """Draw lines, or dots, over an axis from 0 to `x_end`; `empty` is the text shown without any point."""
    highest = max((y for each in series for _, y in each.points), default=0.0)
    y_ticks = ticks(highest or 1.0, most=4, beyond=True)
    bottom = _TOP + _PLOT_HEIGHT

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + x / x_end * SPAN, bottom - y / y_ticks[-1] * _PLOT_HEIGHT

    def body() -> Iterator[str]:
        yield from _legend([(each.name, each.colour) for each in series])
        for tick in y_ticks:
            _, y = place(0, tick)
            yield _line(LEFT, y, LEFT + SPAN, y) + _text(LEFT - 8, y + 4, figure(tick), "end")
        for tick in x_ticks:
            x, _ = place(tick, 0)
            yield _line(x, bottom, x, bottom + 4) + _text(x, bottom + 18, x_text(tick), "middle")
        if not any(each.points for each in series):
            yield _text(LEFT + SPAN / 2, _TOP + _PLOT_HEIGHT / 2, empty, "middle")
        for each in series:
            places = [place(*point) for point in each.points]
            if not dots:
                line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
                yield f'<polyline stroke="{each.colour}" points="{line}"/>'
                continue
            for (at, value), (x, y) in zip(each.points, places, strict=True):
                shown = _escaped(f"{x_text(round(at, 1))} {each.name}: {figure(round(value))}")
                circle = f'<circle fill="{each.colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.5">'
                yield f"{circle}<title>{shown}</title></circle>"

    return _document(title, bottom + 28, body())


def bars(
    title: str, names: Sequence[str], colours: Sequence[str], rows: Sequence[StackedBar], *, empty: str
) -> str:
    """Draw a bar for each row, below its name; `names` and `colours` are those of the parts, in order."""
    longest = max((sum(filter(None, row.parts)) for row in rows), default=0.0) or 1.0
    length = WIDTH - 2 * _MARGIN
    bottom = _TOP + _ROW_HEIGHT * max(len(rows), 1)

    def body() -> Iterator[str]:
        yield from _legend(list(zip(names, colours, strict=True)))
        for tick in ticks(longest):
            x = _MARGIN + tick / longest * length
            anchor = "start" if not tick else "end" if tick > 0.98 * longest else "middle"
            yield _line(x, _TOP, x, bottom) + _text(x, bottom + 18, figure(tick), anchor)
        if not rows:
            yield _text(WIDTH / 2, _TOP + _ROW_HEIGHT / 2, empty, "middle")
        for number, row in enumerate(rows):
            y = _TOP + number * _ROW_HEIGHT
            yield _text(_MARGIN, y + 12, row.name)
            begins = accumulate((part or 0.0 for part in row.parts), initial=0.0)
            for name, colour, part, begin in zip(names, colours, row.parts, begins, strict=False):
                if part:
                    x, width = _MARGIN + begin / longest * length, part / longest * length
                    place = f'x="{x:.2f}" y="{y + 16}" width="{width:.2f}" height="{_BAR_HEIGHT}"'
                    title = _escaped(f"{name}: {part:,.1f}")
                    yield f'<rect fill="{colour}" {place}><title>{title}</title></rect>'

    return _document(title, bottom + 28, body())


def ticks(end: float, *, most: int = 10, beyond: bool = False) -> list[float]:
    """Return round values from 0 to `end` (with `beyond`, to the next one after), `most` steps at most."""
    steps = (base * 10.0**power for power in count(-3) for base in (1, 2, 5))
    step = next(each for each in steps if end / each <= most)
    return [step * number for number in range((ceil(end / step) if beyond else int(end // step)) + 1)]


def figure(value: float) -> str:
    """Return a number as a label of an axis: `1,500`, `0.5`."""
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _document(title: str, height: float, body: Iterator[str]) -> str:
    return _FRAME.format(width=WIDTH, height=height, title=_escaped(title), body="\n".join(body))


def _legend(entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Draw the key at the right of the title's row; a letter is taken to be at most 6.5 units wide."""
    widths = [6.5 * len(name) + 28 for name, _ in entries]
    for (name, colour), x in zip(entries, accumulate(widths, initial=WIDTH - sum(widths)), strict=False):
        yield f'<rect fill="{colour}" x="{x:.1f}" y="7" width="10" height="10"/>{_text(x + 14, 16, name)}'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    return html.escape(printable(text))
