"""`help`: the help of a command, for those who type it before the command."""

from __future__ import annotations

import click

from stanlocal.cli import printing


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a command, as its --help does."""
    at = ctx.find_root()
    for word in words:
        if not isinstance(at.command, click.Group):
            raise click.UsageError(f"'{at.command_path}' has no commands; leave out '{word}'", at)
        name, command, _ = at.command.resolve_command(at, [word])
        assert command is not None
        at = click.Context(command, info_name=name, parent=at)
    printing.page(f"{at.command.get_help(at)}\n")
