"""`tui`: the terminal interface."""

from __future__ import annotations

import sys

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

    if web:
        run(_serve(context, read_only))
        return
    notices = tui.Notices()
    run(tui.run(context.ft_group(notices, notices), notices, read_only=read_only))


async def _serve(context: Context, read_only: bool) -> None:
    """Each page runs this command again, without `--web`."""
    from stanlocal.tui.web import serve

    group = context.ft_group()
    title = (await group.core()).name
    await group.close()

    def tell(address: str) -> None:
        if context.json:
            context.print_json({"url": address}, stream=True)
        else:
            context.say(f"open {address} (it lets in whoever has it); Ctrl-C ends it")

    options = {"--group": title, "--engine": context.engine, "--config": context.config}
    given = [part for name, value in options.items() if value for part in (name, str(value))]
    # -P: a package of our name in the working directory is not ours
    command = (
        sys.executable,
        "-P",
        "-m",
        "stanlocal",
        *given,
        "tui",
        *(["--read-only"] if read_only else []),
    )
    await serve(command, title=f"stanlocal {title}", tell=tell)
