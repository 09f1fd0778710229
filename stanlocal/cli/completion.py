"""Shell completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from stanlocal.cli import printing
from stanlocal.cli.context import Context, pass_context


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@pass_context
def completion(context: Context, shell: str) -> None:
    """Print the completion script of a shell: eval "$(stanlocal completion bash)"."""
    from stanlocal.cli.app import app

    made = get_completion_class(shell)
    assert made is not None
    script = made(app, {}, "stanlocal", "_STANLOCAL_COMPLETE").source()
    if context.json:
        context.print_json({"shell": shell, "script": script})
    else:
        printing.page(f"{script}\n")
