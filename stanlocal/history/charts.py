"""Failovers drawn as bars with a part for each phase: SVG, an HTML page, cells of a terminal. Pure."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from stanlocal.history.failovers import PHASES, Failover, document
from stanlocal.util.printable import printable
from stanlocal.util.svg import StackedBar, bars

COLOURS = ("#7f8c8d", "#e67e22", "#f1c40f", "#2ecc71", "#3498db")
"""Colours of the phases, in their order."""
GLYPHS = ("░", "▒", "▓", "█", "▪")
"""Characters of the phases' parts of a bar in a terminal, distinct without colours too."""


def svg(failovers: Sequence[Failover]) -> str:
    """Draw a bar for each failover, with a part for each phase, as an SVG document."""
    rows = [StackedBar(_label(failover), list(failover.phases_ms.values())) for failover in failovers]
    return bars("Failovers, in ms from the fault", PHASES, COLOURS, rows, empty="no failover yet")


def _label(failover: Failover) -> str:
    time = failover.started_at.astimezone().strftime("%H:%M:%S")
    total = sum(filter(None, failover.phases_ms.values()))
    return f"{time} {failover.cause}: {failover.from_node} to {failover.to_node}, {total:,.0f} ms"


def cells(failover: Failover, longest: float, width: int) -> list[int]:
    """Return the number of terminal cells of each phase, in order, where `longest` ms take `width` cells.

    The ends are rounded, not the parts, so that a bar's length is that of all its phases together.
    """
    ends = [0]
    total = 0.0
    for duration in failover.phases_ms.values():
        total += duration or 0.0
        ends.append(round(total / longest * width) if longest else 0)
    return [end - begin for begin, end in pairwise(ends)]


def longest_ms(failovers: Sequence[Failover]) -> float:
    """Return the longest failover in ms, from its fault to the last phase that was seen."""
    return max((sum(filter(None, failover.phases_ms.values())) for failover in failovers), default=0.0)


def page(failovers: Sequence[Failover], group: str) -> str:
    """Return an HTML page of the drawing and the figures below it."""
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
        spread=f"Outage as a client saw it: {spread}." if spread else "No client was publishing.",
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
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font-family: system-ui, sans-serif; color: #222; background: #fff }}
body {{ margin: 2em auto; max-width: 62em; padding: 0 1em }}
figure, div {{ margin: 0; overflow-x: auto }} svg {{ min-width: 640px }}
table {{ border-collapse: collapse; font-size: 0.9em }}
td, th {{ padding: 0.2em 0.6em; text-align: left; border-bottom: 1px solid #8884 }}
.n {{ text-align: right; font-variant-numeric: tabular-nums }}
@media (prefers-color-scheme: dark) {{ body {{ color: #ccc; background: #181a1b }} }}
</style>
<h1>{title}</h1>
<figure>{picture}</figure>
<p>{spread} Figures are in ms; a phase that was not seen has none, and the next one includes it.</p>
<div><table>
<tr>{heads}</tr>
{rows}
</table></div>
</html>
"""
