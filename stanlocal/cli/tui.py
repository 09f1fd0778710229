"""`tui`: the terminal interface."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context


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
        from stanlocal.tui.web import serve

        def announce(address: str) -> None:
            if context.json:
                context.print_json({"url": address}, stream=True)
            else:
                context.say(f"open {address} (it lets in whoever has it); Ctrl-C ends it")

        title = f"stanlocal: {ledger.name if ledger else context.settings().group}"
        command = _command(context, read_only=read_only, ledger=ledger)
        run(serve(command, title=title, announce=announce))
        return
    served = "TEXTUAL_DRIVER" in os.environ  # by a web server, which has started this to show what it draws
    if not (sys.stdout.isatty() or served):
        raise click.UsageError(
            "the terminal interface needs a terminal; without one use 'stanlocal status --watch'"
        )
    if ledger is not None:
        run(tui.replay_drill(ledger, served=served))
        return
    notices = tui.Notices()
    run(tui.run(context.ft_group(notices, notices), notices, read_only=read_only, served=served))


def _command(context: Context, *, read_only: bool, ledger: Path | None) -> list[str]:
    """Return this command without `--web`, to be run for each page that is opened."""
    words = [sys.executable, "-P", "-m", "stanlocal"]  # -P: a package of our name in this folder is not ours
    for option, value in (
        ("--group", context.group),
        ("--engine", context.engine),
        ("--config", context.config),
    ):
        words += [option, str(value)] if value is not None else []
    replay = ["--replay", str(ledger.absolute())] if ledger is not None else []
    return [*words, "tui", *(["--read-only"] if read_only else []), *replay]
