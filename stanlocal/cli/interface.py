"""The terminal interface's commands: on a terminal, or served to a browser."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from stanlocal.cli.aio import run
from stanlocal.cli.context import Context


def serve_to_browser(
    context: Context, title: str, arguments: Sequence[str], *, end_s: float | None = None
) -> None:
    """Serve the command with these arguments to a browser until Ctrl-C.

    A page's process may take `end_s` seconds to end, where that is more than closing a screen takes.
    """
    from stanlocal.tui.web import serve

    def announce(address: str) -> None:
        if context.json:
            context.print_json({"url": address}, stream=True)
        else:
            context.say(f"open {address} (anyone who has it gets in); Ctrl-C ends it")

    limit = {} if end_s is None else {"end_s": end_s}
    run(serve(_command(context, arguments), title=f"stanlocal: {title}", announce=announce, **limit))


def is_served() -> bool:
    """Whether a web server has started this process to show what it draws."""
    return "TEXTUAL_DRIVER" in os.environ


def need_terminal(instead: str) -> None:
    """Raise `UsageError` if there is no screen to draw on; `instead` says what to do then."""
    if not (sys.stdout.isatty() or is_served()):
        raise click.UsageError(f"the terminal interface needs a terminal; {instead}")


def _command(context: Context, arguments: Sequence[str]) -> list[str]:
    """Return the command line with these arguments, to be run for each page that is opened."""
    words = [sys.executable, "-P", "-m", "stanlocal"]  # -P: a package of our name in this folder is not ours
    for option, value in (
        ("--group", context.group),
        ("--engine", context.engine),
        ("--config", context.config),
        ("--kubeconfig", context.kubeconfig),
        ("--context", context.context),
        ("--namespace", context.namespace),
    ):
        words += [option, str(value)] if value is not None else []
    return [*words, *arguments]
