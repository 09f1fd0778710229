"""Findings about a group: readers that fall behind, limits that are near, a store that prevents a start.

Pure: computed from the monitor's channels, the limits, the space on the disk and the store's problems.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stanlocal.monitor.documents import Document, Reader, readers
from stanlocal.store.verify.limits import limits_of
from stanlocal.store.verify.problems import Problem, Start

PILED_UP = 1000
"""Backlog, in messages, from which on a reader is reported."""
NEAR = 0.9
"""Fraction of a limit from which on it counts as near."""
FULL_SHARE = 0.05
"""Fraction of a disk that should be free."""
FULL_BYTES = 256 << 20
"""Bytes that should be free on any disk."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, or a limit that is near, with its cure."""

    name: Literal["durable", "stalled", "limit", "disk", "store"]
    subject: str
    """The channel, folder or file concerned."""
    detail: str
    cure: str


@dataclass(frozen=True, slots=True)
class Disk:
    """Space on the file system of a store, in bytes."""

    folder: str
    free: int
    total: int


def findings(
    channels: Iterable[Document] = (),
    store_limits: Mapping[str, Any] | None = None,
    disk: Disk | None = None,
    problems: Sequence[Problem] = (),
) -> list[Finding]:
    """Return the findings, the gravest first.

    `channels` are the monitor's documents (`stanlocal.monitor.pages.channels`), `store_limits` the group's
    setting of that name, `problems` what `stanlocal.store.verify.store` or `survey` found.
    """
    listed = list(channels)
    found = [_problem(problem) for problem in problems]
    if disk is not None and disk.free < min(max(disk.total * FULL_SHARE, FULL_BYTES), disk.total):
        found.append(
            Finding(
                "disk",
                disk.folder,
                f"{disk.free >> 20} MiB of {disk.total >> 20} MiB are free: a full disk ends the active node",
                "make room, lower the store's limits, or move the store with '--store-dir'",
            )
        )
    for channel in listed:
        found += _limits(channel, store_limits or {})
    for channel in listed:
        found += [finding for reader in readers(channel) if (finding := _reader(reader)) is not None]
    return found


def _problem(problem: Problem) -> Finding:
    refused = "; the server would not start on it" if problem.start is Start.REFUSED else ""
    return Finding("store", problem.file, f"{problem.kind.value}: {problem.detail}{refused}", problem.fix)


def _limits(channel: Document, store_limits: Mapping[str, Any]) -> list[Finding]:
    limits = limits_of(store_limits, str(channel["name"]))
    found = []
    for what, limit in (("msgs", limits.max_msgs), ("bytes", limits.max_bytes)):
        has = int(channel.get(what) or 0)
        if limit and has >= limit * NEAR:
            full = "is at" if has >= limit else "is near"
            found.append(
                Finding(
                    "limit",
                    str(channel["name"]),
                    f"'{channel['name']}' {full} max_{what}: {has} of {limit}; the oldest are dropped",
                    f"raise max_{what} in store_limits, or let its readers catch up first",
                )
            )
    subs, most = int(channel.get("subs_count") or 0), limits.max_subs
    if most and subs >= most * NEAR:
        found.append(
            Finding(
                "limit",
                str(channel["name"]),
                f"'{channel['name']}' has {subs} of {most} subscriptions; more are refused",
                "raise max_subs in store_limits, or unsubscribe durables that no client uses",
            )
        )
    return found


def _reader(reader: Reader) -> Finding | None:
    if reader.offline and reader.backlog:
        return Finding(
            "durable",
            reader.channel,
            f"no subscriber reads the durable '{reader.name}' of '{reader.channel}': "
            f"{reader.backlog} messages wait",
            "start its client again, or unsubscribe it if it is not needed any more",
        )
    if reader.stalled:
        return Finding(
            "stalled",
            reader.channel,
            f"'{reader.name}' of '{reader.channel}' is stalled: {reader.pending} sent and not acknowledged",
            "see whether its client still acknowledges; it gets nothing new before that",
        )
    if reader.backlog >= PILED_UP:
        return Finding(
            "durable",
            reader.channel,
            f"'{reader.name}' of '{reader.channel}' is {reader.backlog} messages behind",
            "add members to its queue group, or make its client faster",
        )
    return None
