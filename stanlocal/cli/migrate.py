"""`migrate`: leaves NATS Streaming for JetStream, with proof."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from stanlocal.cli import aio, columns, output_file, printing
from stanlocal.cli.command_group import CommandGroup
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.exit_codes import BAD_VERDICT, FAILED
from stanlocal.cli.login_options import Login, login_options
from stanlocal.cli.migrate_relay import relay
from stanlocal.cli.names_file import names_option, read_names
from stanlocal.cli.printing import Styled
from stanlocal.cli.progress_bar import progress_bar
from stanlocal.cli.store_folder import store_folder
from stanlocal.cli.store_key import encryption_key
from stanlocal.util.format import counted, size

if TYPE_CHECKING:
    from stanlocal.migrate.plan import MigrationPlan

_PATH = click.Path(path_type=Path)
_store = click.argument("store", required=False, type=_PATH)
_key = click.option("--key-file", type=_PATH, metavar="FILE", help="File with the key of an encrypted store.")
_to = click.option("--to", "url", required=True, metavar="URL", help="The JetStream server, or URL[,URL].")
_salvage = click.option("--salvage", is_flag=True, help="Leave damaged records out instead of refusing them.")


@click.group(cls=CommandGroup)
def migrate() -> None:
    """Leave NATS Streaming for JetStream: plan, pack, load, and prove that everything arrived.

    STORE is the folder of a STAN store, such as a copy of a production store; the group's when not given.
    Nothing is ever written to it.
    """


@migrate.command()
@_store
@names_option
@_key
@pass_context
def plan(context: Context, store: Path | None, names: Path | None, key_file: Path | None) -> int:
    """Show what would become of every channel and durable, and what is lost."""
    made = _plan(context, store, names, key_file)
    document = made.document()
    if context.json:
        context.print_json(document)
    else:
        _show_plan(document)
    return FAILED if any(finding.refused for finding in made.findings) else 0


@migrate.command()
@_store
@click.option("--out", "folder", required=True, type=_PATH, metavar="DIR", help="Folder to make.")
@names_option
@_key
@_salvage
@pass_context
def pack(
    context: Context,
    store: Path | None,
    folder: Path,
    names: Path | None,
    key_file: Path | None,
    salvage: bool,
) -> int:
    """Write JetStream backups, for `migrate load` or `nats stream restore` (nats-server 2.15 and later).

    Sequences, gaps, times, data, positions and unacknowledged messages stay as they are.
    """
    from stanlocal.migrate.pack import pack as write

    made = _plan(context, store, names, key_file)
    with progress_bar(context, title="packing") as progress:
        packed = write(made, folder, salvage=salvage, progress=progress)
    document = packed.document()
    if context.json:
        context.print_json(document)
        return 0
    for loss in document["lost"]:
        printing.echo(Styled("lost", "bold red"), f"  {loss['file']} at {loss['offset']}: {loss['detail']}")
    messages = sum(each["messages"] for each in document["streams"])
    printing.echo(
        f"{folder}: {counted(messages, 'message')} in {counted(len(document['streams']), 'stream')}, "
        f"{packed.seconds:.1f} s"
    )
    printing.echo(f"next: stanlocal migrate load {folder} --to nats://SERVER:4222")
    return 0


@migrate.command()
@click.argument("folder", metavar="DIR", type=_PATH)
@_to
@login_options
@click.option(
    "--replicas", type=click.IntRange(1, 5), default=1, show_default=True, help="Copies of each stream."
)
@click.option("--accept-loss", is_flag=True, help="Fill a server before 2.15 by publishing; times are lost.")
@pass_context
def load(context: Context, folder: Path, url: str, login: Login, replicas: int, accept_loss: bool) -> int:
    """Restore a pack into a JetStream server or cluster. Run again, it goes on where it stopped."""
    from stanlocal.access.nats_options import nats_options
    from stanlocal.migrate.jetstream.connection import connected
    from stanlocal.migrate.load import load as restore
    from stanlocal.migrate.pack_folder import read_pack

    found = read_pack(folder)
    access = nats_options(login.access())

    async def work() -> dict[str, Any]:
        async with connected(url, access) as server:
            with progress_bar(context, of_bytes=True, title="loading") as progress:
                loaded = await restore(
                    found, server, replicas=replicas, accept_loss=accept_loss, progress=progress
                )
                return loaded.document()

    document = aio.run(work())
    if context.json:
        context.print_json(document)
        return 0
    rows = [(each["stream"], each["messages"], each["result"]) for each in document["streams"]]
    columns.show(("STREAM", "MESSAGES", "RESULT"), rows, right=(1,))
    printing.echo(f"next: stanlocal migrate verify STORE --to {url}")
    return 0


@migrate.command()
@_store
@_to
@login_options
@names_option
@_key
@_salvage
@pass_context
def verify(
    context: Context,
    store: Path | None,
    url: str,
    login: Login,
    names: Path | None,
    key_file: Path | None,
    salvage: bool,
) -> int:
    """Compare every message and every durable of STORE with the streams of a server.

    Exit code 5 when anything differs. Run it before programs use the streams: they move the positions.
    """
    from stanlocal.access.nats_options import nats_options
    from stanlocal.migrate.jetstream.connection import connected
    from stanlocal.migrate.verify import verify as compare

    made = _plan(context, store, names, key_file)
    access = nats_options(login.access())

    async def work() -> dict[str, Any]:
        async with connected(url, access) as server:
            with progress_bar(context, title="comparing") as progress:
                return (await compare(made, server, salvage=salvage, progress=progress)).document()

    document = aio.run(work())
    if context.json:
        context.print_json(document)
    else:
        _show_verdict(document)
    return 0 if document["ok"] else BAD_VERDICT


@migrate.command()
@_store
@click.option("--html", type=_PATH, metavar="FILE", help="Write a report as one HTML file.")
@click.option("--junit", type=_PATH, metavar="FILE", help="Write a JUnit report for CI.")
@names_option
@_key
@_salvage
@output_file.force_option
@pass_context
def rehearse(
    context: Context,
    store: Path | None,
    html: Path | None,
    junit: Path | None,
    names: Path | None,
    key_file: Path | None,
    salvage: bool,
    force: bool,
) -> int:
    """Do all of it against a local JetStream server of its own, and give a verdict.

    Packs, loads, verifies, restarts the server, verifies again, lets the ack wait pass and checks that
    exactly the unacknowledged messages come first. Exit code 5 when anything differs.
    """
    from stanlocal.migrate.rehearsal import rehearse as run

    output_file.check((html, junit), force=force)
    made = _plan(context, store, names, key_file)
    with TemporaryDirectory(prefix="stanlocal-rehearsal-") as folder, context.progress() as report:
        result = aio.run(run(made, Path(folder), salvage=salvage, report=report))
    if html is not None:
        from stanlocal.migrate.report.html import page

        output_file.write(html, page(result), force=force)
    if junit is not None:
        from stanlocal.migrate.report.junit import junit_report

        output_file.write(junit, junit_report(result), force=force)
    document = result.document()
    if context.json:
        context.print_json(document)
    else:
        _show_rehearsal(document)
    return 0 if result.ok else BAD_VERDICT


migrate.add_command(relay)


def _plan(context: Context, store: Path | None, names: Path | None, key_file: Path | None) -> MigrationPlan:
    from stanlocal.migrate.inventory import take_inventory
    from stanlocal.migrate.plan import make_plan

    folder, group = store_folder(context, store, "the argument STORE")
    limits = group.streaming.get("store_limits", {}) if group else None
    key = encryption_key(context, group, key_file)
    inventory = take_inventory(folder, limits, key=key)
    return make_plan(inventory, read_names(names), limits_known=limits is not None)


def _show_plan(document: dict[str, Any]) -> None:
    rows = [
        (
            each["channel"],
            each["stream"],
            each["messages"],
            f"{each['first_seq']}-{each['last_seq']}" if each["messages"] else "-",
            size(each["disk_bytes"]),
        )
        for each in document["streams"]
    ]
    printing.echo(f"{document['store']}: cluster {document['cluster_id'] or '-'}")
    columns.show(("CHANNEL", "STREAM", "MESSAGES", "SEQUENCES", "ON DISK"), rows, right=(2, 4))
    consumers = [
        (
            each["channel"],
            f"{durable['durable_name']}:{durable['queue_group']}"
            if durable["queue_group"]
            else f"{durable['client_id']}/{durable['durable_name']}",
            durable["consumer"],
            durable["ack_floor"],
            durable["delivered"],
            durable["pending_count"],
        )
        for each in document["streams"]
        for durable in each["consumers"]
    ]
    if consumers:
        printing.echo()
        heads = ("CHANNEL", "DURABLE", "CONSUMER", "ACKED UP TO", "DELIVERED UP TO", "UNACKED")
        columns.show(heads, consumers, right=(3, 4, 5))
    for name in document["left_out"]:
        printing.echo(f"{name} stays behind, as --names says")
    if document["findings"]:
        printing.echo()
    for finding in document["findings"]:
        style = "bold red" if finding["refused"] else "bold yellow"
        where = f"{finding['where']}: " if finding["where"] else ""
        printing.echo(Styled(finding["kind"], style), f"  {where}{finding['detail']}")
        printing.echo(f"    {finding['advice']}")


def _show_rehearsal(document: dict[str, Any]) -> None:
    for step in document["steps"]:
        printing.echo(f"{step['name']:<13}{step['seconds']:>8.1f} s  {step['detail']}")
    for problem in document["problems"]:
        printing.echo(Styled("!!", "bold red"), f" {problem}")
    if document["not_waited_for"]:
        printing.echo(f"not waited for, as their ack wait is long: {', '.join(document['not_waited_for'])}")
    for finding in document["plan"]["findings"]:
        where = f"{finding['where']}: " if finding["where"] else ""
        printing.echo(Styled(finding["kind"], "bold yellow"), f"  {where}{finding['detail']}")
    verdict = Styled("ok", "bold green") if document["ok"] else Styled("BAD", "bold red")
    printing.echo("rehearsed: ", verdict, f", with nats-server {document['server_version']}")


def _show_verdict(document: dict[str, Any]) -> None:
    for stream in document["streams"]:
        for each in stream["differences"]:
            where = f"{stream['stream']} {each['consumer'] or ''}".rstrip()
            printing.echo(Styled(each["kind"], "bold red"), f"  {where}: {each['detail']}")
        more = sum(stream["counts"].values()) - len(stream["differences"])
        if more:
            printing.echo(f"  … and {more} more in {stream['stream']}")
        if stream["unreadable"]:
            damaged = counted(stream["unreadable"], "damaged record")
            printing.echo(f"{stream['stream']}: {damaged} of the store not compared")
        if stream["published"]:
            printing.echo(
                f"{stream['stream']}: it was filled by publishing; times were compared in its headers"
            )
        if not stream["pending_known"] and stream["consumers"]:
            printing.echo(
                f"{stream['stream']}: the server says how many messages are unacknowledged, not which; "
                "only the number was compared"
            )
    verdict = Styled("equal", "bold green") if document["ok"] else Styled("different", "bold red")
    printing.echo(
        verdict,
        f": {counted(document['messages'], 'message')} and {counted(document['consumers'], 'consumer')} "
        f"compared in {document['seconds']:.1f} s",
    )
