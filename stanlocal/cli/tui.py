"""`tui`: the terminal interface."""

from __future__ import annotations

import click

from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context


@click.command()
@click.option("--read-only", is_flag=True, help="Show only: no key changes anything.")
@click.option("--web", is_flag=True, help="Serve it to a browser on 127.0.0.1, behind a token.")
@pass_context
def tui(context: Context, read_only: bool, web: bool) -> None:
    """Show the group live; break it, mend it and watch what clients feel, by key.

    Press ? there for help. Quitting leaves the group as it is.
    """
    from stanlocal import tui

    notices = tui.Notices()
    run(tui.run(context.ft_group(notices, notices), notices, read_only=read_only))
