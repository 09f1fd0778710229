"""`tour`: a guided exploration of failover in the terminal interface."""

from __future__ import annotations

import secrets

import click

from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.interface import is_served, need_terminal, serve_to_browser

_LESSONS = 7
_REMOVAL_S = 60.0
"""Seconds that a page's process may take to remove its group."""
_NODES = 2


@click.command()
@click.option(
    "--lesson", type=click.IntRange(1, _LESSONS), metavar="N", help=f"Begin with lesson N (1 to {_LESSONS})."
)
@click.option("--web", is_flag=True, help="Serve it to a browser on 127.0.0.1, behind a token.")
@pass_context
def tour(context: Context, lesson: int | None, web: bool) -> None:
    """Learn failover in seven lessons of a minute, by breaking a scratch group of two nodes by key.

    Each lesson says what to press, waits until it has happened, and explains it with the server's own line.
    The group is made for the tour, and removed when you quit. The next tour goes on where you left it;
    --lesson 1 begins again.
    """
    from stanlocal import tui
    from stanlocal.api import group_over
    from stanlocal.lifecycle.opener import this_process

    if web:
        chosen = ["--lesson", str(lesson)] if lesson is not None else []
        serve_to_browser(context, "tour", ["tour", *chosen], end_s=_REMOVAL_S)
        return
    need_terminal("without one see 'stanlocal gotcha', which shows and explains by itself")
    context.group = f"tour-{secrets.token_hex(2)}"
    context.flags["nodes"] = _NODES
    notices = tui.Notices()
    # Notes are dropped: they only report its ports.
    opener = context.opener(notices, note=lambda line: None)
    opener.bound_to = this_process
    group = group_over(opener)
    run(tui.take_tour(group, notices, lesson=lesson, served=is_served(), ending=context.say))
