"""`image status`, `image pull`, `image build`: the server image and where it comes from."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from stanlocal.cli import aio, printing
from stanlocal.cli.command_group import CommandGroup
from stanlocal.cli.context import Context, pass_context

if TYPE_CHECKING:
    from stanlocal.engine.artifacts.image import ImageOrigin

_SOURCES = {
    "registry": "pulled",
    "binary": "made by stanlocal from a local nats-streaming-server",
    "go": "made by stanlocal with go install",
    "unknown": "loaded or built by another program",
}


@click.group(cls=CommandGroup, invoke_without_command=True)
@click.pass_context
def image(ctx: click.Context) -> None:
    """Show, pull or make the server image.

    `up` does what is needed by itself: it takes the image that the engine has, else pulls it, else makes
    it from a nats-streaming-server on PATH (or STANLOCAL_SERVER_BINARY), else from source with Go.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(status)


@image.command()
@pass_context
def status(context: Context) -> None:
    """Show whether the engine has the image, and where it came from."""
    from stanlocal.engine.artifacts.image import inspect_image
    from stanlocal.engine.docker.endpoint import connect

    name = context.settings().image
    with closing(connect()) as client:
        origin = aio.run(inspect_image(client, name))
    if origin is not None:
        _show(context, origin)
    elif context.json:
        context.print_json({"image": name, "present": False})
    else:
        printing.echo(f"{name}: not there; 'stanlocal up' pulls or makes it")


@image.command()
@pass_context
def pull(context: Context) -> None:
    """Pull the image even if the engine already has one of that name."""
    from stanlocal.engine.artifacts.image import pull_image
    from stanlocal.engine.docker.endpoint import connect

    name = context.settings().image
    with closing(connect()) as client, context.progress() as progress:
        origin = aio.run(pull_image(client, name, progress))
    _show(context, origin)


@image.command()
@pass_context
def build(context: Context) -> None:
    """Build the image again, from a local server or with Go."""
    from stanlocal.engine.artifacts.image import build_image
    from stanlocal.engine.docker.endpoint import connect

    settings = context.settings()
    with closing(connect()) as client, context.progress() as progress:
        made = build_image(client, settings.image, server_binary=settings.server_binary, progress=progress)
        origin = aio.run(made)
    _show(context, origin)


def _show(context: Context, origin: ImageOrigin) -> None:
    if context.json:
        context.print_json({"present": True, **asdict(origin)})
        return
    printing.echo(f"{origin.image}: {_SOURCES[origin.source]}")
    for label, value in (
        ("version", origin.version),
        ("id", origin.id),
        ("digest", origin.digest),
        ("size", f"{origin.size / 1_000_000:.1f} MB"),
    ):
        if value:
            printing.echo(f"  {label:<8} {value}")
