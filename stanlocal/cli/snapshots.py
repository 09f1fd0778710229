"""`store snapshot` and `store restore`: copies of a group's store, and back."""

from __future__ import annotations

import click

from stanlocal.cli import printing
from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context


@click.command()
@click.argument("name", required=False)
@pass_context
def snapshot(context: Context, name: str | None) -> None:
    """Copy the group's store under NAME; without NAME list the copies. All nodes must be stopped."""

    async def work() -> None:
        from stanlocal.group import store_snapshots

        async with context.opened_core() as core:
            await core.find()
            size = await store_snapshots.snapshot(core, name) if name else 0
            there = store_snapshots.listed(core)
        if context.json:
            context.print_json({"snapshots": there, "folder": str(store_snapshots.folder(core))})
        elif name:
            context.say(f"{name}: {size} bytes in {store_snapshots.folder(core) / name}")
        else:
            for each in there:
                printing.echo(each)

    run(work())


@click.command()
@click.argument("name")
@pass_context
def restore(context: Context, name: str) -> None:
    """Put a copy back; the store's present content is kept as a copy, too. All nodes must be stopped."""
    context.confirm(f"this replaces the group's store by the copy '{name}'")

    async def work() -> None:
        from stanlocal.group import store_snapshots

        async with context.opened_core() as core:
            aside = await store_snapshots.restore(core, name)
        if context.json:
            context.print_json({"restored": name, "before": aside})
        else:
            context.say(f"{name} is restored; the content before it is the snapshot {aside}")

    run(work())
