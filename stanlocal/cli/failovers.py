"""`failovers`: a table, a bar for each, a picture, and the probe that times them from a client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stanlocal.cli import columns, output_file, printing
from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context
from stanlocal.util.styled import Part, Styled

if TYPE_CHECKING:
    from stanlocal.api import FTGroup
    from stanlocal.history.failovers import Failover

_HEADS = ("DETECT", "LOCK", "RECOVER", "READY", "ACK")
_COLOURS = ("white", "yellow", "bright_yellow", "green", "blue")
_BAR_WIDTH = 50


@click.command()
@click.option(
    "--probe", is_flag=True, help="Publish meanwhile, to time them as clients feel them; until Ctrl-C."
)
@click.option("--for", "seconds", type=float, metavar="S", help="With --probe: stop after S seconds.")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a chart.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page: chart and figures.",
)
@output_file.force_option
@pass_context
def failovers(
    context: Context, probe: bool, seconds: float | None, svg: Path | None, html: Path | None, force: bool
) -> None:
    """Show each failover: cause, from, to, and its phases from the servers' own time stamps.

    What happened while no client looked has no ACK and no OUTAGE: run 'stanlocal failovers --probe' in
    another terminal while you inject faults.
    """
    if seconds is not None and not probe:
        raise click.UsageError("--for says how long to probe: use it with --probe")
    output_file.check((svg, html), force=force)

    async def work() -> None:
        from stanlocal.api import core_of

        async with context.opened() as group:
            try:
                if probe:
                    await _probe(context, group, seconds)
            finally:  # Ctrl-C ends a probe, and what it has seen is shown
                found = await group.failovers()
                _draw(context, found, (await core_of(group)).name, svg, html, force=force)
                _show(context, found)

    run(work())


async def _probe(context: Context, group: FTGroup, seconds: float | None) -> None:
    context.say(
        "probing: each outage is printed once it is over; Ctrl-C ends it" if seconds is None else "probing"
    )
    try:
        async with asyncio.timeout(seconds) as whole, aclosing(group.probe()) as outages:
            async for outage in outages:
                ms = (outage.first_ack - outage.last_ack).total_seconds() * 1000
                time = outage.last_ack.astimezone().strftime("%H:%M:%S.%f")[:-3]
                context.say(f"{time}  publishes were not acknowledged for {ms:.0f} ms")
    except TimeoutError:
        if not whole.expired():  # the group gave the client no answer
            raise


def _draw(
    context: Context,
    found: Sequence[Failover],
    group: str,
    svg: Path | None,
    html: Path | None,
    *,
    force: bool,
) -> None:
    from stanlocal.history import charts

    drawn = []
    if svg is not None:
        drawn.append((svg, charts.svg(found)))
    if html is not None:
        drawn.append((html, charts.page(found, group)))
    for path, text in drawn:
        output_file.write(path, text, force=force)
        context.say(f"drawn: {path}")


def _show(context: Context, found: Sequence[Failover]) -> None:
    from stanlocal.history.charts import longest_ms
    from stanlocal.history.failovers import document

    described = document(found)
    if context.json:
        context.print_json(described)
        return
    if not found:
        context.say("no failover yet; try 'stanlocal kill @active'")
        return
    rows = [
        (
            failover.started_at.astimezone().strftime("%H:%M:%S"),
            failover.cause,
            failover.from_node,
            failover.to_node,
            *(_ms(duration) for duration in failover.phases_ms.values()),
            _ms(failover.outage_ms),
        )
        for failover in found
    ]
    columns.show(("STARTED", "CAUSE", "FROM", "TO", *_HEADS, "OUTAGE"), rows, right=range(4, 10))
    longest = longest_ms(found)
    for failover in found:
        printing.echo(*_bar(failover, longest))
    printing.echo(*_legend())
    if described["p50_ms"] is not None:
        spread = ", ".join(f"{name[:-3]} {_ms(described[name])}" for name in ("p50_ms", "p95_ms", "max_ms"))
        context.say(f"outage in ms: {spread}")
    context.say(f"ms; without a client's view no ACK and OUTAGE; fault to ready: {_spread(found)}")


def _bar(failover: Failover, longest: float) -> Iterator[Part]:
    from stanlocal.history.charts import GLYPHS, cells

    yield f"{failover.started_at.astimezone():%H:%M:%S} "
    for glyph, colour, count in zip(GLYPHS, _COLOURS, cells(failover, longest, _BAR_WIDTH), strict=True):
        yield Styled(glyph * count, colour)
    yield f" {sum(filter(None, failover.phases_ms.values())):.0f} ms"


def _legend() -> Iterator[Part]:
    from stanlocal.history.charts import GLYPHS

    blank = " " * 9
    for glyph, colour, head in zip(GLYPHS, _COLOURS, _HEADS, strict=True):
        yield blank
        yield Styled(glyph, colour)
        yield f" {head.lower()}"
        blank = "  "


def _spread(found: Sequence[Failover]) -> str:
    from stanlocal.util.percentile import percentile

    took = [failover.server_ms for failover in found]
    return f"median {_ms(percentile(took, 50))}, longest {_ms(max(took))}"


def _ms(duration: float | None) -> str:
    return "-" if duration is None else f"{duration:.0f}"
