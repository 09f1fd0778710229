"""The output of `migrate` for people."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from stanlocal.cli import columns, printing
from stanlocal.util.format import counted, size
from stanlocal.util.styled import Styled

_MOST_ALIKE = 5
"""Findings of one kind with the same remedy that are shown: a store may have a thousand channels."""


def plan(document: dict[str, Any]) -> None:
    """Show what would become of a store."""
    rows = [
        (
            f"{each['channel']} (conflict)" if each["conflict"] else each["channel"],
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
            (durable["served"] or durable)["delivered"],
            (durable["served"] or durable)["pending_count"],
        )
        for each in document["streams"]
        for durable in each["consumers"]
    ]
    if consumers:
        printing.echo()
        heads = ("CHANNEL", "DURABLE", "CONSUMER", "ACKED UP TO", "DELIVERED UP TO", "UNACKED")
        columns.show(heads, consumers, right=(3, 4, 5))
        if any(durable["served"] for each in document["streams"] for durable in each["consumers"]):
            printing.echo("DELIVERED UP TO and UNACKED are those of the running group")
    for name in document["left_out"]:
        printing.echo(f"{name} stays behind, as --names says")
    if document["findings"]:
        printing.echo()
    for found in _alike(document["findings"]):
        _show_findings(found)
        printing.echo(f"    {found[0]['advice']}")


def _alike(findings: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Group findings of one kind that have the same remedy, in the order in which each group begins."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for finding in findings:
        groups.setdefault((finding["kind"], finding["advice"]), []).append(finding)
    return list(groups.values())


def _show_findings(alike: Sequence[dict[str, Any]]) -> None:
    """Show a line for each finding, the refused ones first, and a count in place of many more."""
    for finding in sorted(alike, key=lambda each: not each["refused"])[:_MOST_ALIKE]:
        style = "bold red" if finding["refused"] else "bold yellow"
        where = f"{finding['where']}: " if finding["where"] else ""
        printing.echo(Styled(finding["kind"], style), f"  {where}{finding['detail']}")
    if (more := len(alike) - _MOST_ALIKE) > 0:
        printing.echo(f"    … and {more} more of this kind; '--json' has all")


def pack(document: dict[str, Any]) -> None:
    """Show what was packed, each lost record, and the branches of channels that two servers wrote into."""
    for loss in document["lost"]:
        printing.echo(Styled("lost", "bold red"), f"  {loss['file']} at {loss['offset']}: {loss['detail']}")
    for each in document["streams"]:
        if branch := each["branch"]:
            printing.echo(
                Styled("conflict" if each["conflict"] else "kept", "bold yellow"),
                f"  {each['channel']}: sequences {branch['first_seq']} to {branch['last_seq']}, written from "
                f"{branch['first_time']} to {branch['last_time']}, are in the stream {each['stream']}",
            )
    messages = sum(each["messages"] for each in document["streams"])
    folder = document["pack"]
    printing.echo(
        f"{folder}: {counted(messages, 'message')} in {counted(len(document['streams']), 'stream')}, "
        f"{document['seconds']:.1f} s"
    )
    printing.echo(f"next: stanlocal migrate load {shlex.quote(folder)} --to nats://SERVER:4222 --verify")


def load(document: dict[str, Any]) -> None:
    """Show what was loaded."""
    rows = [(each["stream"], each["messages"], each["result"]) for each in document["streams"]]
    columns.show(("STREAM", "MESSAGES", "RESULT"), rows, right=(1,))


def rehearsal(document: dict[str, Any]) -> None:
    """Show the steps and the verdict of a rehearsal."""
    for step in document["steps"]:
        printing.echo(f"{step['name']:<13}{step['seconds']:>8.1f} s  {step['detail']}")
    for problem in document["problems"]:
        printing.echo(Styled("!!", "bold red"), f" {problem}")
    if document["not_waited_for"]:
        printing.echo(f"not waited for, as their ack wait is long: {', '.join(document['not_waited_for'])}")
    for found in _alike(document["plan"]["findings"]):
        _show_findings(found)
    verdict = Styled("ok", "bold green") if document["ok"] else Styled("BAD", "bold red")
    printing.echo("rehearsed: ", verdict, f", with nats-server {document['server_version']}")


def verdict(document: dict[str, Any]) -> None:
    """Show the differences, and whether there are any."""
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
        if stream["below_first"]:
            older = counted(stream["below_first"], "message")
            printing.echo(f"{stream['stream']}: {older} before the channel's first not compared")
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
