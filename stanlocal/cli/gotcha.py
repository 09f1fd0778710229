"""`gotcha`: the classic surprises, shown on real servers."""

from __future__ import annotations

import click

from stanlocal.cli import printing
from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context
from stanlocal.util.nearest import nearest


@click.command()
@click.argument("name", required=False)
@pass_context
def gotcha(context: Context, name: str | None) -> None:
    """Set up one of the classic FT surprises in a scratch group, show and explain it, and clean up.

    Without NAME: list them.
    """
    from stanlocal.gotchas import base
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
    say = (lambda line: None) if context.json else printing.echo
    seen = run(base.run(chosen, engine=context.engine, say=say, config=context.config))
    if context.json:
        context.print_json(seen.document())
        return
    printing.page("\nThe server's own line:\n")
    for line in seen.lines[:3]:
        printing.echo(f"  {line}")
    printing.page(f"\nWhat happened: {chosen.happened}\n\nIn production: {chosen.production}\n")
