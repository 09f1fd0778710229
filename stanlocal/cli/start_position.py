"""Options that choose a subscription's start position."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from stanlocal.stan import StartPosition

_F = TypeVar("_F", bound=Callable[..., Any])


def start_options(command: _F) -> _F:
    """Add the options to a command; `start_position` takes their values."""
    for option in (
        click.option("--seq", type=click.IntRange(0), help="From that sequence on."),
        click.option(
            "--since", metavar="T", help="From that time (RFC 3339) or so long ago (90s, 5m, 2h) on."
        ),
        click.option("--last", is_flag=True, help="From the last message on."),
        click.option("--all", "everything", is_flag=True, help="From the first message on."),
        click.option("--new", is_flag=True, help="Only new messages (the default)."),
    ):
        command = option(command)
    return command


def start_position(
    new: bool, everything: bool, last: bool, since: str | None, seq: int | None
) -> StartPosition:
    """Return the start position that the options choose, new messages only if none is given.

    Raises `UsageError` for more than one option, and for a `--since` that is not a time.
    """
    from stanlocal import stan
    from stanlocal.stan.start import since as parse_since

    if sum((new, everything, last, since is not None, seq is not None)) > 1:
        raise click.UsageError("give only one of --new, --all, --last, --since and --seq")
    if everything:
        return stan.DeliverAll()
    if last:
        return stan.LastReceived()
    if seq is not None:
        return stan.StartSequence(seq)
    if since is None:
        return stan.NewOnly()
    try:
        return parse_since(since)
    except stan.errors.InvalidOption as error:
        raise click.UsageError(f"--since {error}") from None
