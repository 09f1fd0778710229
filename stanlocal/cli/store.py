"""`store`: the files of a store, read without disturbing whoever uses it."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from stanlocal.cli import columns, printing
from stanlocal.cli.command_group import CommandGroup
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.exit_codes import BAD_VERDICT, FAILED
from stanlocal.cli.history import Since
from stanlocal.cli.progress_bar import progress_bar
from stanlocal.cli.snapshots import restore, snapshot
from stanlocal.cli.store_folder import store_folder
from stanlocal.cli.store_key import encryption_key
from stanlocal.util import format
from stanlocal.util.printable import printable
from stanlocal.util.styled import Styled

if TYPE_CHECKING:
    from stanlocal.model.plan import GroupPlan
    from stanlocal.store.verify.store import StoreCheck

_LISTED = 5
"""Number of channels that a note names."""
_FORMATS = ("jsonl", "text", "hex")
_dir = click.option(
    "--dir", "folder", type=click.Path(path_type=Path), metavar="DIR", help="A store; the group's by default."
)
_key_file = click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Key of an encrypted store; the group's by default.",
)
_ENCRYPTED = "give the key with '--key-file' or NATS_STREAMING_ENCRYPTION_KEY"


@click.group(cls=CommandGroup, invoke_without_command=True)
@_dir
@click.option("--channel", default="*", metavar="GLOB", help="Only channels whose name matches.")
@click.option("--pending", is_flag=True, help="With every pending sequence.")
@click.pass_context
def store(ctx: click.Context, folder: Path | None, channel: str, pending: bool) -> None:
    """Look into the files of the group's store, or of any other with --dir. Nothing is written or locked.

    Without a command: what is in it.
    """
    if ctx.invoked_subcommand is not None:
        return
    from stanlocal.store.inspect.overview import overview

    context = ctx.ensure_object(Context)
    path, plan = _store(context, folder)
    limits = plan.streaming.get("store_limits", {}) if plan else None
    document = overview(path, limits)
    document["channels"] = [each for each in document["channels"] if fnmatchcase(each["name"], channel)]
    if not pending:
        for sub in (sub for each in document["channels"] for sub in each["subscriptions"]):
            sub["pending"] = sub["pending"][:10]
    if context.json:
        context.print_json(document)
    else:
        _show(document)


def _store(context: Context, folder: Path | None) -> tuple[Path, GroupPlan | None]:
    return store_folder(context, folder, "'--dir'")


def _show(document: dict[str, Any]) -> None:
    server = document["server"] or {}
    printing.echo(
        f"{document['store']}: cluster {server.get('cluster_id', '-')}, "
        f"{len(document['clients'])} clients, {format.size(document['disk_bytes'])} on disk"
    )
    rows = [
        (
            each["name"],
            each["msgs"],
            f"{each['first_seq']}-{each['last_seq']}" if each["msgs"] else "-",
            (each.get("kept") or {}).get("msgs", "-"),
            len(each["slices"]),
            format.size(each["disk_bytes"]),
            len(each["subscriptions"]),
            (each["last_time"] or "-")[:19],
            "maybe encrypted" if each["maybe_encrypted"] else "",
        )
        for each in document["channels"]
    ]
    if rows:
        channel_heads = (
            "CHANNEL",
            "ON DISK",
            "SEQUENCES",
            "SERVED",
            "SLICES",
            "SIZE",
            "SUBS",
            "LAST (UTC)",
            "",
        )
        columns.show(channel_heads, rows, right=(1, 3, 4, 5, 6))
    subs = [
        (
            each["name"],
            sub["client_id"] or "-",
            sub["durable_name"] or "-",
            sub["queue_name"] or "-",
            sub["last_sent"],
            sub["pending_count"],
            ",".join(map(str, sub["pending"])) + (",…" if sub["pending_count"] > len(sub["pending"]) else ""),
        )
        for each in document["channels"]
        for sub in each["subscriptions"]
    ]
    if subs:
        printing.echo()
        sub_heads = ("CHANNEL", "CLIENT", "DURABLE", "QUEUE", "LAST SENT", "PENDING", "PENDING SEQUENCES")
        columns.show(sub_heads, subs, right=(4, 5))
    for problem in document["problems"]:
        _problem(problem)


@store.command()
@click.argument("copy", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@_dir
@_key_file
@click.option("--cluster-id", metavar="ID", help="Cluster id to expect; the group's by default.")
@pass_context
def verify(
    context: Context, copy: Path | None, folder: Path | None, key_file: Path | None, cluster_id: str | None
) -> int:
    """Check every record of every file, and say what the server would refuse at its next start.

    DIR is a store, such as a copy of a production store; the group's when not given.

    With the key of an encrypted store, check also that every message can be decrypted.
    The server itself checks only the last message of each slice. Exit code 5 when something is wrong.
    """
    from stanlocal.store.verify.store import verify as check

    if copy and folder:
        raise click.UsageError(f"two stores, {copy} and {folder} ('--dir'): name the one to be checked")
    path, plan = _store(context, copy or folder)
    key = encryption_key(context, plan, key_file)
    with progress_bar(context, of_bytes=True) as progress:
        wanted = cluster_id or (plan.cluster_id if plan else None)
        verdict = check(path, cluster_id=wanted, key=key, progress=progress)
    if verdict.maybe_encrypted:
        names = ", ".join(map(printable, verdict.maybe_encrypted[:_LISTED]))
        more = ", …" if len(verdict.maybe_encrypted) > _LISTED else ""
        context.say(f"messages that look encrypted were not decrypted ({names}{more}); {_ENCRYPTED}")
    if context.json:
        context.print_json(verdict.document())
    else:
        _verdict(verdict)
    return 0 if verdict.ok else BAD_VERDICT


def _verdict(verdict: StoreCheck) -> None:
    document = verdict.document()
    for problem in document["problems"]:
        _problem(problem)
    if verdict.problems_total > len(verdict.problems):
        printing.echo(f"… and {verdict.problems_total - len(verdict.problems)} more")
    rate = verdict.bytes / verdict.seconds / 1e6 if verdict.seconds else 0.0
    printing.echo(
        f"{verdict.messages} messages and {verdict.records} other records in {verdict.files} files intact "
        f"({format.size(verdict.bytes)} in {verdict.seconds:.2f} s, {rate:.0f} MB/s)"
    )
    if not verdict.ok:
        starts = "starts on it all the same" if verdict.starts else "does not start on it"
        printing.echo(f"{verdict.problems_total} problems; the server {starts}")


def _problem(problem: dict[str, Any]) -> None:
    where = "" if problem["offset"] is None else f" at {problem['offset']}"
    start = {"refused": "the server does not start", "silent": "the server starts and says nothing"}.get(
        problem["start"], "the server copes"
    )
    name = Styled(problem["kind"], "bold red")
    printing.echo(name, f"  {problem['file']}{where}: {problem['detail']} ({start})")
    printing.echo(f"    fix: {problem['fix']}")


@store.command()
@click.argument("channel")
@_dir
@_key_file
@click.option("--format", "how", type=click.Choice(_FORMATS), default="text", help="text, hex, or jsonl.")
@click.option("--from", "first", type=click.IntRange(0), default=0, metavar="SEQ", help="First sequence.")
@click.option("--to", "last", type=click.IntRange(0), metavar="SEQ", help="Last sequence.")
@click.option("--since", type=Since(), metavar="T", help="From a time on, or so long ago (10m).")
@click.option("--until", type=Since(), metavar="T", help="Up to a time.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="At most N messages.")
@pass_context
def dump(
    context: Context,
    channel: str,
    folder: Path | None,
    key_file: Path | None,
    how: str,
    first: int,
    last: int | None,
    since: datetime | None,
    until: datetime | None,
    count: int | None,
) -> int:
    """Print the messages of CHANNEL as they are on disk; --json is --format jsonl.

    With the key of an encrypted store they are decrypted. Damaged records are reported on standard error; the
    exit code is then 1.
    """
    from stanlocal.store.format.slices import Window
    from stanlocal.store.inspect.dump import Format, pieces
    from stanlocal.store.inspect.dump import dump as read
    from stanlocal.store.verify.problems import Kind, Problem

    window = Window(
        first_sequence=first,
        **({} if last is None else {"last_sequence": last}),
        **({} if since is None else {"since": _nanoseconds(since)}),
        **({} if until is None else {"until": _nanoseconds(until)}),
    )
    form: Format = next(each for each in get_args(Format) if each == ("jsonl" if context.json else how))
    path, plan = _store(context, folder)
    damaged = printed = encrypted = 0
    for found in read(path, channel, window, encryption_key(context, plan, key_file)):
        if isinstance(found, Problem):
            damaged += 1
            word = "undecryptable" if found.kind is Kind.UNDECRYPTABLE else "damaged"
            context.say(f"{word}: {found.file} at {found.offset}: {found.detail}")
            continue
        encrypted += found.may_be_encrypted
        for text in pieces(found, form):
            (printing.json_page if form == "jsonl" else printing.page)(text)
        printed += 1
        if printed == count:
            break
    if encrypted:
        context.say(f"{encrypted} messages look encrypted, and are shown as they are on disk; {_ENCRYPTED}")
    if damaged:
        context.say(f"{damaged} such records were left out; see 'stanlocal store verify'")
    return FAILED if damaged else 0


def _nanoseconds(time: datetime) -> int:
    return int(time.timestamp()) * 1_000_000_000 + time.microsecond * 1000


@store.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@_key_file
@pass_context
def diff(context: Context, a: Path, b: Path, key_file: Path | None) -> int:
    """Compare the stores in the folders A and B, message by message; exit code 1 when they differ.

    Encrypted messages are compared as published if the key is given, and else as they are on disk.
    """
    from stanlocal.store.inspect.diff import diff as compare

    document = compare(a, b, encryption_key(context, None, key_file))
    unread = sum(sum(channel["maybe_encrypted"]) for channel in document["channels"])
    if unread:
        context.say(
            f"{unread} messages look encrypted, and were compared as they are on disk, where equal ones "
            f"differ; {_ENCRYPTED}"
        )
    if context.json:
        context.print_json(document)
    else:
        _differences(document)
    return 0 if document["same"] else FAILED


def _differences(document: dict[str, Any]) -> None:
    if document["same"]:
        printing.echo("no differences")
        return
    ids = document["cluster_ids"]
    if ids[0] != ids[1]:
        printing.echo(f"cluster id: {ids[0]} in A, {ids[1]} in B")
    if document["clients_differ"]:
        printing.echo("clients differ")
    for channel in document["channels"]:
        for key, text in (("only_a", "only in A"), ("only_b", "only in B"), ("different", "different")):
            part = channel[key]
            if part["count"]:
                ranges = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in part["ranges"][:5])
                more = ", …" if len(part["ranges"]) > 5 else ""
                printing.echo(f"{channel['name']}: {part['count']} messages {text}: {ranges}{more}")
        if any(channel["damaged"]):
            printing.echo(
                "{}: damaged messages: {} in A, {} in B".format(channel["name"], *channel["damaged"])
            )
        if any(channel["undecryptable"]):
            printing.echo(
                "{}: messages that the key does not decrypt: {} in A, {} in B".format(
                    channel["name"], *channel["undecryptable"]
                )
            )
        if channel["subscriptions_differ"]:
            printing.echo(f"{channel['name']}: subscriptions differ")
        if not (channel["in_a"] and channel["in_b"]):
            printing.echo(f"{channel['name']}: only in {'A' if channel['in_a'] else 'B'}")


store.add_command(snapshot)
store.add_command(restore)
