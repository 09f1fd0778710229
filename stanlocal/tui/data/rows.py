"""Documents of the monitor and the store as rows of tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stanlocal.monitor.documents import Document, ordered, select, split_queue
from stanlocal.monitor.findings import findings
from stanlocal.tui.data.live import TOTAL, Inside
from stanlocal.tui.data.migration import Migration
from stanlocal.util.format import size
from stanlocal.util.printable import printable

View = Literal["channels", "clients", "subscriptions", "store", "jetstream"]

MOST = 500
"""Limit of the rows of a table; a filter finds the others."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of a view, and how it is sorted and filtered."""

    heads: Sequence[str]
    figures: range
    """Numbers of the columns with figures."""
    name: str
    """Field that is filtered by, and that sorts equal documents."""
    sorts: Sequence[str]
    """Fields to sort by, the default first."""


COLUMNS: Mapping[View, Columns] = {
    "channels": Columns(
        ("CHANNEL", "MSGS", "BYTES", "LAST", "IN/S", "OUT/S", "SUBS", "PENDING", "BEHIND", "FIRST"),
        range(1, 10),
        "name",
        ("name", "msgs", "bytes", "last_seq", "subs_count", "pending", "backlog"),
    ),
    "clients": Columns(
        ("CLIENT", "SUBS", "PENDING", "STALLED", "CHANNELS"),
        range(1, 4),
        "id",
        ("id", "subs_count", "pending", "stalled"),
    ),
    "subscriptions": Columns(
        ("CHANNEL", "STATE", "SENT", "PENDING", "BEHIND", "CLIENT", "DURABLE", "QUEUE"),
        range(2, 5),
        "channel",
        ("channel", "client_id", "pending_count", "backlog", "last_sent"),
    ),
    "store": Columns(
        ("CHANNEL", "ON DISK", "SEQUENCES", "SLICES", "SIZE", "GROWS BY", "SUBS"),
        range(1, 7),
        "name",
        ("name", "disk_bytes", "msgs"),
    ),
    "jetstream": Columns(
        ("CHANNEL", "DURABLE", "WOULD BECOME", "NEXT", "UNACKED", "FINDINGS"),
        range(3, 5),
        "channel",
        ("channel", "findings_count"),
    ),
}


def chosen(view: View, documents: Iterable[Document], pattern: str, sort: str) -> list[Document]:
    """Return the documents whose name matches, sorted; a pattern without `*` matches anywhere in a name."""
    columns = COLUMNS[view]
    glob = pattern if "*" in pattern else f"*{pattern}*"
    return ordered(select(documents, columns.name, glob), sort, columns.name)


def channel_row(channel: Document) -> tuple[str, ...]:
    """Return the row of a channel in the view `channels`."""
    return (
        str(channel["name"]),
        _count(channel, "msgs"),
        size(channel.get("bytes", 0)),
        _count(channel, "last_seq"),
        _rate(channel, "in_rate"),
        _rate(channel, "out_rate"),
        _count(channel, "subs_count"),
        _count(channel, "pending"),
        _count(channel, "backlog"),
        _count(channel, "first_seq"),
    )


def client_row(client: Document) -> tuple[str, ...]:
    """Return the row of a client in the view `clients`."""
    figures = (_count(client, name) for name in ("subs_count", "pending", "stalled"))
    return (str(client["id"]), *figures, ", ".join(sorted(client.get("subscriptions") or {})))


def subscription_row(subscription: Document) -> tuple[str, ...]:
    """Return the row of a subscription in the view `subscriptions`."""
    durable, queue = split_queue(subscription)
    offline, stalled = subscription.get("is_offline"), subscription.get("is_stalled")
    return (
        str(subscription["channel"]),
        "offline" if offline else "stalled" if stalled else "online",
        *(_count(subscription, name) for name in ("last_sent", "pending_count", "backlog")),
        str(subscription.get("client_id") or "-"),
        durable or "-",
        queue or "-",
    )


def store_row(channel: Mapping[str, Any], growth: Mapping[str, float]) -> tuple[str, ...]:
    """Return the row of a channel in the view `store`."""
    return (
        str(channel["name"]),
        _count(channel, "msgs"),
        f"{channel['first_seq']}-{channel['last_seq']}" if channel["msgs"] else "-",
        f"{len(channel['slices'])}",
        size(channel["disk_bytes"]),
        grows(growth, channel["name"]),
        f"{len(channel['subscriptions'])}",
    )


def migration_row(document: Document) -> tuple[str, ...]:
    """Return the row of a channel or a durable in the view `jetstream`."""
    unacked = document["unacked"]
    return (
        str(document["channel"]),
        str(document["durable"] or "-"),
        str(document["becomes"]),
        str(document["next"]),
        f"{unacked:,}" if unacked is not None else "-",
        str(document["findings"] or "-"),
    )


def migration_summary(migration: Migration) -> str:
    """Return the number of findings, and the first that concerns the whole store, else the first."""
    found = migration.findings
    if not found:
        return "everything stays as it is"
    whole = next((each for each in found if not each.where), found[0])
    where = f"{whole.where}: " if whole.where else ""
    return f"{len(found)} findings, see 'migrate plan'\n{printable(where + whole.detail)}"


def grows(growth: Mapping[str, float], name: str = TOTAL) -> str:
    """Return the growth a second; a dash while it is unknown."""
    return f"{size(growth[name])}/s" if name in growth else "-"


def inside_summary(inside: Inside) -> str:
    """Return which node is active, and the gravest finding."""
    again = "-" if inside.redelivered_rate is None else f"{inside.redelivered_rate:,.0f}/s"
    found = findings(inside.channels)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    worth = f"\n{printable(found[0].detail)}{more}" if found else ""
    return f"{inside.active} is active; redelivered {again}{worth}"


def store_summary(overview: Mapping[str, Any], growth: Mapping[str, float]) -> str:
    """Return size and growth of the whole store, and its first problem."""
    problems = overview["problems"]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    first = printable("{file}: {detail}".format_map(problems[0])) if problems else ""
    wrong = f"\n{first}{more}" if problems else ""
    return f"{size(overview['disk_bytes'])} on disk, grows by {grows(growth)}\n{overview['store']}{wrong}"


def _count(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return f"{value:,}" if isinstance(value, int) else "0"


def _rate(document: Mapping[str, Any], key: str) -> str:
    return f"{document[key]:,.0f}" if key in document else "-"
