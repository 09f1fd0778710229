"""`migrate`: leaves NATS Streaming for JetStream, with proof."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stanlocal.cli import aio, migrate_output, output_file, printing
from stanlocal.cli.command_group import CommandGroup
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.exit_codes import BAD_VERDICT, FAILED
from stanlocal.cli.migrate_positions import positions
from stanlocal.cli.migrate_relay import relay
from stanlocal.cli.migrate_source import Source, key_option, source_of_migration
from stanlocal.cli.migrate_target import Target, target_of_migration
from stanlocal.cli.progress_bar import progress_bar
from stanlocal.cli.store_key import encryption_key
from stanlocal.util.temporary import temporary_folder

if TYPE_CHECKING:
    from stanlocal.migrate.jetstream.connection import JetStream
    from stanlocal.migrate.pack_folder import PackFolder
    from stanlocal.migrate.plan import MigrationPlan

_PATH = click.Path(path_type=Path)
_salvage = click.option("--salvage", is_flag=True, help="Leave damaged records out instead of refusing them.")


@click.group(cls=CommandGroup)
def migrate() -> None:
    """Leave NATS Streaming for JetStream: plan, pack, load, and prove that everything arrived.

    STORE is the folder of a STAN store, such as a copy of a production store; the group's when not given.
    Nothing is ever written to it.
    """


@migrate.command()
@source_of_migration
@click.option(
    "--to-version", metavar="V", help="Version of the JetStream servers; 2.15 or later if not given."
)
@click.option("--quick", is_flag=True, help="Do not read every message in search of damage.")
@click.option("--write-names", type=_PATH, metavar="FILE", help="Write all names into a file for --names.")
@output_file.force_option
@pass_context
def plan(
    context: Context,
    source: Source,
    to_version: str | None,
    quick: bool,
    write_names: Path | None,
    force: bool,
) -> int:
    """Show what would become of every channel and durable, and what is lost."""
    from stanlocal.migrate.damage_findings import damage_findings
    from stanlocal.migrate.served_positions import served_positions
    from stanlocal.migrate.server_versions import parse_version, version_findings
    from stanlocal.store.verify.store import verify as check

    output_file.check((write_names,), force=force)
    of_version = version_findings(parse_version(to_version)) if to_version else []
    made, group = source.plan(context)
    if group is not None:
        made = replace(made, served=aio.run(served_positions(group)))
    if not quick:
        with progress_bar(context, of_bytes=True) as progress:
            found = check(made.inventory.store, key=made.inventory.key, progress=progress)
        damaged = damage_findings(found.problems, found.problems_total - len(found.problems), made.split())
        made = replace(made, findings=(*damaged, *made.findings))
    made = replace(made, findings=(*made.findings, *of_version))
    if write_names is not None:
        from stanlocal.migrate.names_text import names_text

        output_file.write(write_names, names_text(made), force=force)
    document = made.document()
    if context.json:
        context.print_json(document)
    else:
        migrate_output.plan(document)
    return FAILED if any(finding.refused for finding in made.findings) else 0


@migrate.command()
@source_of_migration
@click.option("--out", "folder", required=True, type=_PATH, metavar="DIR", help="Folder to make.")
@_salvage
@pass_context
def pack(
    context: Context,
    source: Source,
    folder: Path,
    salvage: bool,
) -> int:
    """Write JetStream backups, for `migrate load` or `nats stream restore` (nats-server 2.15 and later).

    Sequences, gaps, times, data, positions and unacknowledged messages stay as they are.
    """
    from stanlocal.migrate.pack import pack as write

    made, _ = source.plan(context)
    with progress_bar(context, title="packing") as progress:
        packed = write(made, folder, salvage=salvage, progress=progress)
    document = packed.document()
    if context.json:
        context.print_json(document)
        return 0
    migrate_output.pack(document)
    return 0


@migrate.command()
@click.argument("folder", metavar="DIR", type=_PATH)
@target_of_migration
@click.option(
    "--replicas", type=click.IntRange(1, 5), default=1, show_default=True, help="Copies of each stream."
)
@click.option("--accept-loss", is_flag=True, help="Fill a server before 2.15 by publishing; times are lost.")
@click.option(
    "--verify", "proof", is_flag=True, help="Then compare everything with the store that was packed."
)
@key_option
@pass_context
def load(
    context: Context,
    folder: Path,
    target: Target,
    replicas: int,
    accept_loss: bool,
    proof: bool,
    key_file: Path | None,
) -> int:
    """Restore a pack into a JetStream server or cluster; run it again to continue where it stopped.

    With --verify, exit code 5 when anything differs.
    """
    from stanlocal.migrate.load import load as restore
    from stanlocal.migrate.pack_folder import read_pack

    found = read_pack(folder)
    expected = _packed_plan(context, found, key_file) if proof else None
    connection = target.connected()

    async def loading(server: JetStream) -> dict[str, Any]:
        with progress_bar(context, of_bytes=True, title="loading") as progress:
            loaded = await restore(
                found, server, replicas=replicas, accept_loss=accept_loss, progress=progress
            )
            return loaded.document()

    async def work() -> dict[str, Any]:
        async with connection as server:
            document = await loading(server)
            if expected is not None:
                salvaged = found.source is not None and found.source.salvage
                document["verification"] = await _compared(context, expected, server, salvage=salvaged)
            return document

    document = aio.run(work())
    verdict = document.get("verification")
    if context.json:
        context.print_json(document)
    else:
        migrate_output.load(document)
        if verdict is not None:
            migrate_output.verdict(verdict)
        else:
            printing.echo(f"next: stanlocal migrate verify STORE --to {target.url}")
    return 0 if verdict is None or verdict["ok"] else BAD_VERDICT


def _packed_plan(context: Context, pack_folder: PackFolder, key_file: Path | None) -> MigrationPlan:
    from stanlocal.errors import StoreRefused

    if pack_folder.source is None:
        raise StoreRefused(
            f"{pack_folder.path} does not say which store it is of; use 'stanlocal migrate verify'"
        )
    return pack_folder.source.plan(encryption_key(context, None, key_file))


async def _compared(
    context: Context, expected: MigrationPlan, server: JetStream, *, salvage: bool
) -> dict[str, Any]:
    from stanlocal.migrate.verify import verify as compare

    with progress_bar(context, title="comparing") as progress:
        return (await compare(expected, server, salvage=salvage, progress=progress)).document()


@migrate.command()
@source_of_migration
@target_of_migration
@_salvage
@pass_context
def verify(
    context: Context,
    source: Source,
    target: Target,
    salvage: bool,
) -> int:
    """Compare every message and every durable of STORE with the streams of a server.

    Exit code 5 when anything differs. Run it before programs use the streams, as programs move the positions.
    """
    made, _ = source.plan(context)
    connection = target.connected()

    async def work() -> dict[str, Any]:
        async with connection as server:
            return await _compared(context, made, server, salvage=salvage)

    document = aio.run(work())
    if context.json:
        context.print_json(document)
    else:
        migrate_output.verdict(document)
    return 0 if document["ok"] else BAD_VERDICT


@migrate.command()
@source_of_migration
@click.option("--html", type=_PATH, metavar="FILE", help="Write a report as one HTML file.")
@click.option("--junit", type=_PATH, metavar="FILE", help="Write a JUnit report for CI.")
@_salvage
@click.option("--live", is_flag=True, help="Run the migration under load.")
@click.option(
    "--kill-active",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --live: kill N active nodes meanwhile.",
)
@click.option("--rollback", is_flag=True, help="With --live: return to NATS Streaming after the cut-over.")
@output_file.force_option
@pass_context
def rehearse(
    context: Context,
    source: Source,
    html: Path | None,
    junit: Path | None,
    salvage: bool,
    live: bool,
    kill_active: int | None,
    rollback: bool,
    force: bool,
) -> int:
    """Run the whole migration against a local JetStream server of its own, and give a verdict.

    Packs, loads, verifies, restarts the server, verifies again, lets the ack wait pass and checks that
    exactly the unacknowledged messages come first. Exit code 5 when anything differs.

    With --live it runs under load, on a scratch group that begins with a copy of STORE, or empty: a relay
    keeps streams in step, subscribers move with their positions, then publishers. The verdict is a drill's.
    """
    output_file.check((html, junit), force=force)
    if live:
        from stanlocal.cli.migrate_live import rehearse_live

        if salvage:
            raise click.UsageError("--salvage: a live rehearsal needs an intact store; leave it out")
        return rehearse_live(context, source, kill_active or 0, rollback, html, junit, force=force)
    if kill_active is not None or rollback:
        raise click.UsageError("--kill-active and --rollback belong to '--live': give that too")
    from stanlocal.migrate.rehearsal import rehearse as run

    engine = context.settings().engine
    made, _ = source.plan(context)
    with temporary_folder("stanlocal-rehearsal-") as folder, context.progress() as report:
        result = aio.run(run(made, folder, engine=engine, salvage=salvage, report=report))
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
        migrate_output.rehearsal(document)
    return 0 if result.ok else BAD_VERDICT


migrate.add_command(relay)
migrate.add_command(positions)
