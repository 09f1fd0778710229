"""`tui`: the terminal interface."""

from __future__ import annotations

from pathlib import Path

import click

from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.interface import is_served, need_terminal, serve_to_browser


@click.command()
@click.option("--read-only", is_flag=True, help="Only show the group: no key changes anything.")
@click.option("--web", is_flag=True, help="Serve it to a browser on 127.0.0.1, behind a token.")
@click.option(
    "--replay",
    "ledger",
    metavar="LEDGER",
    type=click.Path(path_type=Path),
    help="Show a drill again from its ledger, on its own clock.",
)
@pass_context
def tui(context: Context, read_only: bool, web: bool, ledger: Path | None) -> None:
    """Show the group live; break it, heal it and watch what clients see, by key.

    Press ? there for help. Quitting leaves the group as it is. With --replay no group is needed.
    """
    from stanlocal import tui

    if web:
        title = ledger.name if ledger else context.settings().group
        replay = ["--replay", str(ledger.absolute())] if ledger is not None else []
        serve_to_browser(context, title, ["tui", *(["--read-only"] if read_only else []), *replay])
        return
    need_terminal("without one use 'stanlocal status --watch'")
    if ledger is not None:
        run(tui.replay_drill(ledger, served=is_served()))
        return
    notices = tui.Notices()
    group = context.ft_group(notices, notices)
    run(tui.run(group, notices, read_only=read_only, served=is_served()))
