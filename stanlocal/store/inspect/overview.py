"""A store at a glance: server, clients, channels, slices, subscriptions. Reads little of large files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stanlocal.store.format.bulk import read_typed
from stanlocal.store.format.files import VERSION, opened_file
from stanlocal.store.format.message import time_of
from stanlocal.store.format.registry import (
    Budget,
    OverBudget,
    StoredClient,
    StoredSubscription,
    fold_clients,
    fold_subscriptions,
)
from stanlocal.store.format.server_file import MAX_BYTES, server_info
from stanlocal.store.format.slices import SliceSummary, maybe_encrypted, summarize
from stanlocal.store.inspect.survey import ChannelFiles, Survey, survey
from stanlocal.store.layout import CLIENTS_FILE, SERVER_FILE, SUBS_FILE
from stanlocal.store.verify.limits import kept, limits_of
from stanlocal.store.verify.problems import Kind, Problem, Start
from stanlocal.util.printable import printable
from stanlocal.util.timestamps import rfc3339


def overview(store: Path, store_limits: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON document of the store's content.

    With the group's `store_limits` each channel also has the messages that the server shows under them.
    Unreadable files are among the problems; only `verify` says whether the rest is intact. Raises
    `StoreRefused` when there is no store to read.
    """
    found = survey(store)
    problems = list(found.problems)
    budget = Budget()
    clients = _clients(found, problems, budget)
    channels = []
    for channel in found.channels:
        try:
            channels.append(_channel(store, channel, store_limits, problems, budget))
        except FileNotFoundError:  # deleted, or a slice expired, since it was listed
            continue
        except OSError as error:
            problems.append(_unreadable(channel.name, error))
    return {
        "store": str(store),
        "server": _server(found, problems),
        "disk_bytes": found.disk_bytes,
        "clients": [client.document() for client in clients],
        "channels": channels,
        "problems": [problem.document() for problem in problems],
    }


def _server(found: Survey, problems: list[Problem]) -> dict[str, str] | None:
    if not found.server_file:
        return None
    try:
        return _server_info(found.store)
    except OSError as error:
        problems.append(_unreadable(SERVER_FILE, error))
        return None


def _server_info(store: Path) -> dict[str, str] | None:
    with opened_file(store, SERVER_FILE) as file:
        return server_info(file.read(0, MAX_BYTES + 1))


def store_cluster_id(store: Path) -> str | None:
    """Return the cluster id that the store was written under; raises `OSError` when it cannot be read."""
    try:
        return (_server_info(store) or {}).get("cluster_id")
    except FileNotFoundError:
        return None


def _clients(found: Survey, problems: list[Problem], budget: Budget) -> list[StoredClient]:
    if not found.clients_file:
        return []
    try:
        return read_clients(found.store, budget)
    except OSError as error:
        problems.append(_unreadable(CLIENTS_FILE, error))
    except OverBudget:
        problems.append(_too_many(CLIENTS_FILE, "clients"))
    return []


def read_clients(store: Path, budget: Budget) -> list[StoredClient]:
    """Return the clients that the server knows; raises `OSError` and `OverBudget`."""
    try:
        with opened_file(store, CLIENTS_FILE) as file:
            return fold_clients(read_typed(file), budget) if file.version == VERSION else []
    except FileNotFoundError:
        return []


def read_subscriptions(store: Path, channel: str, budget: Budget) -> list[StoredSubscription]:
    """Return a channel's subscriptions with their pending sequences; raises `OSError` and `OverBudget`."""
    with opened_file(store, f"{channel}/{SUBS_FILE}") as file:
        if file.version != VERSION:
            return []
        return fold_subscriptions(read_typed(file), budget)


def _subscriptions(
    store: Path, channel: ChannelFiles, problems: list[Problem], budget: Budget
) -> list[StoredSubscription]:
    if not channel.has_subs:
        return []
    try:
        return read_subscriptions(store, channel.name, budget)
    except OverBudget:
        problems.append(_too_many(f"{channel.name}/{SUBS_FILE}", "subscriptions and pending sequences"))
        return []


def _channel(
    store: Path,
    channel: ChannelFiles,
    store_limits: Mapping[str, Any] | None,
    problems: list[Problem],
    budget: Budget,
) -> dict[str, Any]:
    slices = [(files, summarize(store, files)) for files in channel.slices]
    full = [summary for _, summary in slices if summary.first is not None and summary.last is not None]
    subs = _subscriptions(store, channel, problems, budget)
    document: dict[str, Any] = {
        "name": printable(channel.name),
        "msgs": sum(summary.messages for _, summary in slices),
        "bytes": sum(summary.bytes for _, summary in slices),
        "first_seq": full[0].first.sequence if full and full[0].first else 0,
        "last_seq": full[-1].last.sequence if full and full[-1].last else 0,
        "first_time": _time(full[0].first.timestamp) if full and full[0].first else None,
        "last_time": _time(full[-1].last.timestamp) if full and full[-1].last else None,
        "disk_bytes": sum(summary.disk_bytes for _, summary in slices),
        "maybe_encrypted": maybe_encrypted(store, channel.slices),
        "slices": [_slice(summary) for _, summary in slices],
        "subscriptions": [sub.document() for sub in subs],
    }
    if store_limits is not None:
        shows = kept(store, slices, limits_of(store_limits, channel.name), time.time_ns())
        document["kept"] = shows.document() if shows else None
    return document


def _slice(summary: SliceSummary) -> dict[str, Any]:
    return {
        "number": summary.number,
        "msgs": summary.messages,
        "bytes": summary.bytes,
        "first_seq": summary.first.sequence if summary.first else 0,
        "last_seq": summary.last.sequence if summary.last else 0,
        "disk_bytes": summary.disk_bytes,
    }


def _time(timestamp: int) -> str:
    return rfc3339(time_of(timestamp))


def _unreadable(name: str, error: OSError) -> Problem:
    return Problem(
        Kind.UNREADABLE,
        name,
        f"cannot be read ({error.strerror})",
        Start.REFUSED,
        "give the server's user the right to read it, or restore it",
    )


def _too_many(name: str, what: str) -> Problem:
    return Problem(
        Kind.TOO_MANY,
        name,
        f"more {what} than are listed; none of them is shown",
        Start.SILENT,
        "nothing to do; the server's monitor lists them while it runs",
    )
