"""Commands about the whole group: up, down, status, list, wait, env."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any

import click

from stanlocal.cli import printing, render
from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, from_option, pass_context, store_option
from stanlocal.errors import GroupNotFound, StanlocalError
from stanlocal.model.states import GroupState
from stanlocal.util.tasks import beside

if TYPE_CHECKING:
    from stanlocal.group.core import Group
    from stanlocal.lifecycle.down import Down


@click.command()
@click.option("--nodes", type=int, metavar="N", help="Servers in the group (2).")
@click.option(
    "--timeout", type=float, default=60.0, metavar="S", help="Seconds for all nodes to be ready (60)."
)
@click.option("--recreate", is_flag=True, help="Recreate every container.")
@click.option("--attach", is_flag=True, help="Stay, show events, restart dead nodes; Ctrl-C takes it down.")
@click.option("--image", metavar="REF", help="Server image (nats-streaming:0.25.6).")
@click.option("--store-dir", metavar="DIR", help="Folder of the store (in your state folder).")
@click.option("--store-size", metavar="SIZE", help="Limit of the store, in memory: for 'fault fill-disk'.")
@click.option(
    "--proxied/--no-proxied",
    default=None,
    help="A proxy in the path: for 'fault slow-network', 'flaky-network'.",
)
@click.option(
    "--secure/--no-secure",
    default=None,
    help="TLS for clients, routes and monitor, and a login, from a CA of the group's own.",
)
@click.option("--port", type=int, metavar="P", help="Client port of the first node (4222).")
@click.option(
    "--unset",
    multiple=True,
    metavar="SETTING",
    help="Remove a setting, with everything below it: nats.authorization.",
)
@click.option("--preset", type=click.Choice(["seed"]), help="seed: the values of the Kubernetes guide.")
@from_option
@store_option
@click.option("--dry-run", is_flag=True, help="Say what would run, and start nothing.")
@pass_context
def up(
    context: Context,
    /,
    timeout: float,
    recreate: bool,
    attach: bool,
    dry_run: bool,
    unset: tuple[str, ...],
    **flags: Any,
) -> None:
    """Start the group, or change it to the settings given; do nothing if it is already so."""
    context.flags.update(flags, unset=list(unset) or None)
    if dry_run:
        from stanlocal.cli.dry_run import show

        show(context)
        return

    async def work() -> None:
        from stanlocal.api import core_of

        async with AsyncExitStack() as stack:
            with context.progress() as report:
                group = await stack.enter_async_context(context.opened(report, removes_orphans=True))
                look = await group.up(timeout=timeout, recreate=recreate)
            document = (await core_of(group)).document(look)
            if context.json:
                context.print_json(document, stream=attach)
            else:
                render.group(document)
                urls = ",".join(document["client_urls"])
                files = "; 'stanlocal env' names the files for it" if look.plan.secure else ""
                where = " from within the cluster" if look.plan.in_cluster else ""
                context.say(f"connect to {urls}{where}, cluster id {document['cluster_id']}{files}")
            if attach:
                from stanlocal.cli.attach import stay

                await stay(context, group)

    run(work())


@click.command()
@click.option(
    "--timeout",
    type=float,
    metavar="S",
    help="Seconds before a node is killed (30); a pod has at most its own grace.",
)
@click.option("--purge", is_flag=True, help="Delete the store too, if it is this group's own.")
@click.option("--all", "every", is_flag=True, help="Take down all your groups.")
@pass_context
def down(context: Context, timeout: float | None, purge: bool, every: bool) -> int:
    """Remove the group's containers and networks; keep its store unless --purge."""
    if purge:
        context.confirm("this deletes the store of " + ("all your groups" if every else "the group"))

    async def work() -> int:
        from stanlocal.api import remove_orphans

        names = await _names(context) if every else [context.settings().group]
        left: list[str] = []
        downed: dict[str, Any] = {}
        failed: list[StanlocalError] = []
        for name in names:
            context.group = name
            try:
                with context.progress() as report:
                    async with context.opened(report) as group, beside(remove_orphans(group)) as orphans:
                        done = await group.down(timeout=timeout, purge=purge)
                        await orphans
            except StanlocalError as error:  # of one group; the others are taken down all the same
                failed.append(error)
                continue
            if done.purged:
                kept = [f"{path} was not made by the server or stanlocal" for path in done.purged.left]
                for line in kept:
                    context.say(f"left: {line}; remove it yourself, then repeat the purge")
                left += [*kept, *(f"{path} could not be removed" for path in done.purged.failed)]
            for note in done.unsaved if not purge else ():
                context.say(f"not kept: {note}")
            downed[name] = list(done.removed)
            if not context.json:
                context.say(_summary(name, done, purge))
        if context.json and (downed or not failed):
            context.print_json({"removed": downed, "left": left})
        for other in failed[:-1]:
            context.say(f"error: {other}")
        if failed:
            raise failed[-1]
        return 2 if left else 0

    return run(work())


def _summary(name: str, done: Down, purge: bool) -> str:
    if not done.had_store:
        store = "it has no store"
    else:
        store = "its store is deleted" if purge else "its store is kept"
    if done.removed:
        return f"{name} is down: {', '.join(done.removed)} removed, {store}"
    return f"nothing of {name} runs{', ' + store if purge else ''}"


async def _names(context: Context) -> list[str]:
    from stanlocal.lifecycle.inventory import open_groups

    if (engine := context.settings().engine) == "kubernetes":
        raise click.UsageError("'--all' takes down your local groups; on a cluster name one with '--group'")
    async with open_groups(engine, context.say) as groups:
        return [group.name for group in groups]


@click.command()
@click.option("--watch", is_flag=True, help="Show the status again at each change, until Ctrl-C.")
@pass_context
def status(context: Context, watch: bool) -> None:
    """Show the group, its nodes and their states as they are now."""

    async def work() -> None:
        async with context.opened_core() as core:
            await (_watch(context, core) if watch else _show(context, core))

    run(work())


async def _show(context: Context, core: Group) -> None:
    if context.json:
        context.print_json(core.document(await core.look()))
        return
    from stanlocal.machine.process_usage import UsageSample

    plan, instances = await core.find()
    sample = UsageSample({node.name: node.pid for node in instances if node.pid})
    look = await core.look_at(plan, instances)  # this and the findings take as long as the sample has to
    from stanlocal.monitor.group_findings import look_inside

    findings = asyncio.create_task(look_inside(look.plan, core.active_monitor(look)))
    render.group(core.document(look), await asyncio.to_thread(sample.used))
    for finding in await findings:
        context.say(f"{finding.detail}; {finding.cure}")


async def _watch(context: Context, core: Group) -> None:
    from stanlocal.group.core import Look

    plan, _ = await core.find()
    async with await core.watch() as watch, aclosing(watch.changes()) as changes:
        async for status in changes:
            document = core.document(Look(plan, status))
            if context.json:
                context.print_json(document, stream=True)
            else:
                printing.clear()
                render.group(document)


@click.command("list")
@pass_context
def list_(context: Context) -> None:
    """List your groups, including those that are down."""

    async def work() -> None:
        from stanlocal.lifecycle.inventory import open_listed_groups

        async with open_listed_groups(context.settings(), context.say) as groups:
            found = await asyncio.gather(*(_document(group) for group in groups))
        documents = [document for document in found if document is not None]
        if context.json:
            context.print_json({"groups": documents})
        elif documents:
            render.groups(documents)
        else:
            context.say("no groups; start one with 'stanlocal up'")

    run(work())


async def _document(group: Group) -> Mapping[str, Any] | None:
    """Return the group's document; None if it has gone since it was listed."""
    try:
        document: Mapping[str, Any] = group.document(await group.look())
    except GroupNotFound:
        return None
    return document


@click.command()
@click.option(
    "--state",
    type=click.Choice([state.value for state in GroupState]),
    required=True,
    help="The group's state to wait for.",
)
@click.option("--timeout", type=float, default=30.0, metavar="S", help="Seconds to wait (30).")
@pass_context
def wait(context: Context, state: str, timeout: float) -> None:
    """Wait until the group is in the state; exit code 1 when the time runs out."""

    async def work() -> None:
        async with context.opened() as group:
            with context.progress() as report:
                report(f"waiting for the group to be {state}")
                await group.wait_state(state, timeout=timeout)
            await context.show(group)

    run(work())


@click.command()
@pass_context
def env(context: Context) -> None:
    """Print export lines for a shell: eval "$(stanlocal env)"."""

    async def work() -> None:
        from stanlocal.access.environment import variables

        async with context.opened_core() as core:
            plan, _ = await core.find()
        found = variables(plan)
        if context.json:
            context.print_json(found)
        else:
            for name, value in found.items():
                printing.echo(f"export {name}={shlex.quote(value)}")
        if plan.in_cluster:
            from stanlocal.model.group_text import IN_CLUSTER

            context.say(IN_CLUSTER)

    run(work())
