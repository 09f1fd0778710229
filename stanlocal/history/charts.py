"""Failovers as a picture: a bar each, with a part for each phase. It loads and runs nothing."""

from __future__ import annotations

import html
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from stanlocal.history.failovers import PHASES, Failover, document
from stanlocal.util.printable import printable

COLOURS = ("#7f8c8d", "#e67e22", "#f1c40f", "#2ecc71", "#3498db")
"""Of the phases, in their order."""
GLYPHS = ("░", "▒", "▓", "█", "▪")
"""What a phase's part of a bar is made of in a terminal; told apart without colours, too."""
_BAR_HEIGHT = 28
_REST_HEIGHT = 140
_WIDTH = 960


def svg(failovers: Sequence[Failover]) -> str:
    """The picture as an SVG document."""
    chart = charts().HorizontalStackedBar(
        style=style(*COLOURS),
        title="Failovers, in ms from the fault on",
        x_title="ms",
        width=_WIDTH,
        height=_REST_HEIGHT + _BAR_HEIGHT * max(len(failovers), 2),
        js=[],
        legend_at_bottom=True,
        no_data_text="no failover yet",
    )
    chart.x_labels = [_label(failover) for failover in failovers]
    for phase in PHASES:
        chart.add(phase, [failover.phases_ms[phase] for failover in failovers])
    return as_svg(chart)


def charts() -> Any:
    """pygal, without the hook that it leaves in the way of every import that follows.

    The hook is for maps, and of a kind that Python warns of.
    """
    import pygal

    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != pygal.__name__]
    return pygal


def style(*colours: str) -> Any:
    """Of a chart on a white page."""
    from pygal.style import Style

    return Style(colors=colours, background="white", plot_background="white", font_family="sans-serif")


def as_svg(chart: Any) -> str:
    """A pygal chart as an SVG document that has no script, nor what only its script would read."""
    tree = chart.render_tree()
    for part in list(tree.iter()):
        for child in [child for child in part if str(child.tag).endswith(("script", "desc"))]:
            part.remove(child)
    return ElementTree.tostring(tree, encoding="unicode")


def _label(failover: Failover) -> str:
    time = failover.started_at.astimezone().strftime("%H:%M:%S")
    return printable(f"{time} {failover.cause}: {failover.from_node} to {failover.to_node}")


def cells(failover: Failover, longest: float, width: int) -> list[int]:
    """How many cells of a terminal each phase takes, in their order, where `longest` ms take `width`.

    The ends are rounded, not the parts: a bar is as long as all of its phases, whatever their number.
    """
    ends = [0]
    total = 0.0
    for duration in failover.phases_ms.values():
        total += duration or 0.0
        ends.append(round(total / longest * width) if longest else 0)
    return [end - begin for begin, end in pairwise(ends)]


def longest_ms(failovers: Sequence[Failover]) -> float:
    """The longest of them in ms, from its fault to the last that was seen of it."""
    return max((sum(filter(None, failover.phases_ms.values())) for failover in failovers), default=0.0)


def page(failovers: Sequence[Failover], group: str) -> str:
    """The picture with the figures under it, as an HTML page."""
    found = document(failovers)
    heads = ("started", "cause", "from", "to", *PHASES, "outage")
    rows = "\n".join(_row(each) for each in found["failovers"])
    spread = ", ".join(
        f"{name.removesuffix('_ms')} {found[name]:.0f} ms" if found[name] is not None else ""
        for name in ("p50_ms", "p95_ms", "max_ms")
    ).strip(", ")
    title = html.escape(printable(f"Failovers of {group}"))
    return _PAGE.format(
        title=title,
        picture=svg(failovers),
        heads="".join(f"<th>{head}</th>" for head in heads),
        rows=rows,
        spread=f"Outage as a client saw it: {spread}." if spread else "No client was looking.",
    )


def _row(failover: dict[str, Any]) -> str:
    words = [failover["started_at"], failover["cause"], failover["from"], failover["to"]]
    figures = [*failover["phases_ms"].values(), failover["outage_ms"]]
    cells = [f"<td>{html.escape(printable(word))}</td>" for word in words]
    cells += [f'<td class="n">{"–" if ms is None else f"{ms:.1f}"}</td>' for ms in figures]
    return f"<tr>{''.join(cells)}</tr>"


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; margin: 2em; max-width: 60em }}
table {{ border-collapse: collapse; font-size: 0.9em }}
td, th {{ padding: 0.2em 0.6em; text-align: left; border-bottom: 1px solid #ddd }}
.n {{ text-align: right; font-variant-numeric: tabular-nums }}
</style>
<h1>{title}</h1>
{picture}
<p>{spread} Figures are in ms; a phase that nobody saw has none, and the next one includes it.</p>
<table>
<tr>{heads}</tr>
{rows}
</table>
</html>
"""
