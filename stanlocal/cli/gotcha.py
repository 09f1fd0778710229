"""`gotcha`: the classic surprises, shown on real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stanlocal.cli import printing
from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context
from stanlocal.util.nearest import nearest

if TYPE_CHECKING:
    from stanlocal.gotchas.base import Gotcha, Seen


@click.command()
@click.argument("name", required=False)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=600,
    show_default=True,
    metavar="S",
    help="With --engine kubernetes: time for you to cut a machine off, and to connect it again.",
)
@pass_context
def gotcha(context: Context, name: str | None, timeout: float) -> None:
    """Set up one of the classic FT surprises in a scratch group, show and explain it, and clean up.

    Without NAME: list them. With '--engine kubernetes', 'two-actives' watches the group that '--group' names
    and says what to cut off; it changes nothing itself.
    """
    from stanlocal.gotchas.registry import GOTCHAS

    if name is None:
        if context.json:
            context.print_json({"gotchas": [{"name": g.name, "title": g.title} for g in GOTCHAS.values()]})
        else:
            for each in GOTCHAS.values():
                printing.echo(f"{each.name:<20} {each.title}")
        return
    if name not in GOTCHAS:
        raise click.UsageError(f"no gotcha '{name}'; {nearest(name, GOTCHAS)}")
    chosen = GOTCHAS[name]
    if not context.json:
        printing.page(f"{chosen.title}\n\n")
    on_cluster = context.settings().engine == "kubernetes"
    seen = run(_watched(context, chosen, timeout) if on_cluster else _scratch(context, chosen))
    if context.json:
        context.print_json(seen.document())
        return
    printing.page("\nThe server's own line:\n")
    for line in seen.lines[:3]:
        printing.echo(f"  {line}")
    printing.page(f"\nWhat happened: {seen.gotcha.happened}\n\nIn production: {seen.gotcha.production}\n")


async def _scratch(context: Context, chosen: Gotcha) -> Seen:
    from stanlocal.gotchas import base

    say = (lambda line: None) if context.json else printing.echo
    return await base.run(chosen, engine=context.engine, say=say, config=context.config)


async def _watched(context: Context, chosen: Gotcha, timeout: float) -> Seen:
    """Watch the group of a cluster; its user needs the instructions also where the document is JSON."""
    from stanlocal.gotchas.watched import run_watched

    say = context.say if context.json else printing.echo
    async with context.opened_core() as core:
        return await run_watched(chosen, core, say=say, wait_s=timeout)
