"""The inventory of a STAN store: everything to migrate. Reads the files and writes nothing."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from stanlocal.errors import StoreRefused
from stanlocal.migrate.branches import KEPT, Split, find_split
from stanlocal.store.format import index
from stanlocal.store.format.encryption import StoreKey
from stanlocal.store.format.files import opened_file
from stanlocal.store.format.index import Block
from stanlocal.store.format.registry import Budget, OverBudget, StoredSubscription
from stanlocal.store.format.slices import SliceFiles, SliceSummary, maybe_encrypted, summarize
from stanlocal.store.inspect.overview import read_subscriptions, store_cluster_id
from stanlocal.store.inspect.survey import ChannelFiles, Survey, survey
from stanlocal.store.verify.limits import Limits, kept, limits_of
from stanlocal.store.verify.problems import Kind
from stanlocal.util.printable import printable

_SUBSCRIPTION_BYTES = 150 << 20
"""Memory for the durables of all channels: some 90,000 of them, or 1.5 million unacknowledged messages."""
_NS = 10**9
RELAY_DURABLE = "stanlocal-relay"
"""Name of the durables of `migrate relay`, which does not migrate itself."""


@dataclass(frozen=True, slots=True)
class Durable:
    """A durable subscription, or the members of a durable queue group together."""

    client_id: str
    """Client that it belongs to; empty for a queue group, which belongs to none."""
    durable_name: str
    queue_group: str
    last_sent: int
    """Highest sequence that was delivered; 0 before the first."""
    pending: tuple[int, ...]
    """Sequences delivered and not acknowledged, ascending."""
    ack_wait: int
    """Nanoseconds."""
    max_inflight: int
    online: bool
    """Whether a client was subscribed when the files were read."""

    @property
    def label(self) -> str:
        """The name that people know it by, and by which a file of names overrides it."""
        if self.queue_group:
            return f"{self.durable_name}:{self.queue_group}"
        return f"{self.client_id}/{self.durable_name}"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as far as the server still serves it."""

    name: str
    messages: int
    first_sequence: int
    """Sequence of the first message; one more than `last_sequence` if there is none."""
    last_sequence: int
    """Sequence of the last message ever stored; 0 if there never was one."""
    largest: int
    """Upper bound of the payloads in bytes."""
    beyond_limits: int
    """Number of messages that are in the files, and that the server's limits have dropped."""
    limits: Limits
    durables: tuple[Durable, ...]
    ephemeral: int
    """Number of subscriptions that end with their client."""
    maybe_encrypted: bool
    slices: tuple[SliceFiles, ...]
    disk_bytes: int
    split: Split | None = None
    """The branches of a channel that two servers wrote into at the same time; no limits are applied then."""

    def of_branch(self, part: int) -> Channel:
        """Return the channel as one of its branches; a conflict has no durables."""
        if self.split is None:
            return self
        branch = self.split.parts[part]
        return replace(
            self,
            messages=branch.messages,
            first_sequence=branch.first_sequence,
            last_sequence=branch.last_sequence,
            largest=branch.largest,
            beyond_limits=0,
            limits=Limits(),
            durables=self.durables if part == KEPT else (),
        )


@dataclass(frozen=True, slots=True)
class Inventory:
    """The channels of a store."""

    store: Path
    cluster_id: str | None
    channels: tuple[Channel, ...]
    max_channels: int
    """Limit of the number of channels; 0 if there is none, or it is unknown."""
    key: StoreKey | None = None
    """The key that messages are encrypted with."""
    store_limits: Mapping[str, Any] | None = None
    """The server's limits; None if they are unknown."""


def take_inventory(
    store: Path,
    store_limits: Mapping[str, Any] | None = None,
    *,
    key: StoreKey | None = None,
    now: int | None = None,
) -> Inventory:
    """Read what a store holds.

    `store_limits` are the server's, which the files do not say; without them everything in the files counts
    as served. `now` (ns since the epoch) is the time at which ages are judged. Raises `StoreRefused` when the
    store cannot be read.
    """
    found = survey(store)
    _refuse_unreadable(found)
    limits = store_limits or {}
    budget = Budget(_SUBSCRIPTION_BYTES)
    moment = time.time_ns() if now is None else now
    try:
        channels = tuple(_channel(store, files, limits, budget, moment) for files in found.channels)
        cluster_id = store_cluster_id(store)
    except OSError as error:
        raise StoreRefused(
            f"cannot read {error.filename or store} ({error.strerror}); give yourself the right to read it"
        ) from error
    except OverBudget as error:
        raise StoreRefused(
            f"{store} has more durables and unacknowledged messages than fit in "
            f"{_SUBSCRIPTION_BYTES >> 20} MiB; "
            "remove durables that no one uses any more, and take a new copy"
        ) from error
    return Inventory(store, cluster_id, channels, _number(limits.get("max_channels")), key, store_limits)


def _refuse_unreadable(found: Survey) -> None:
    """Refuse a store with a channel that cannot be listed: all that follows would be without it."""
    for problem in found.problems:
        if problem.kind is Kind.UNREADABLE:
            folder = printable(str(found.store / problem.file))
            raise StoreRefused(
                f"{folder} {problem.detail} and may be a channel; give yourself the right to read it, or "
                "move it out of the store"
            )


def _number(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _channel(
    store: Path, files: ChannelFiles, store_limits: Mapping[str, Any], budget: Budget, now: int
) -> Channel:
    # Positions first: in a store that is written to, they must not be ahead of the messages.
    subscriptions = read_subscriptions(store, files.name, budget) if files.has_subs else []
    slices = [(each, summarize(store, each)) for each in files.slices]
    limits = limits_of(store_limits, files.name)
    stored = sum(summary.messages for _, summary in slices)
    served = kept(store, slices, limits, now) if limits.drop_messages else None
    durables = tuple(_durables(subscriptions))
    first, last = _extent(slices)
    if served is not None:
        first = served.first_seq or last + 1
    if not stored and durables:  # every message is gone, and the files with them
        last = max(durable.last_sent for durable in durables)
        first = last + 1
    split = find_split(store, files.name, files.slices) if _may_be_split(store, slices) else None
    channel = Channel(
        name=files.name,
        messages=served.msgs if served is not None else stored,
        first_sequence=first,
        last_sequence=last,
        largest=max((_largest(store, each) for each in files.slices), default=0),
        beyond_limits=stored - served.msgs if served is not None else 0,
        limits=limits,
        durables=durables,
        ephemeral=sum(not sub.is_durable for sub in subscriptions),
        maybe_encrypted=maybe_encrypted(store, files.slices),
        slices=tuple(files.slices),
        disk_bytes=sum(summary.disk_bytes for _, summary in slices),
        split=split,
    )
    return channel.of_branch(KEPT)


def _may_be_split(store: Path, slices: Iterable[tuple[SliceFiles, SliceSummary]]) -> bool:
    """Return whether sequences do not ascend, as far as indexes say."""
    last = 0
    for files, summary in slices:
        if summary.first is not None and summary.last is not None:
            first = summary.first.sequence
            if first <= last or summary.messages > summary.last.sequence - first + 1:
                return True
            if not _ascends(store, files):
                return True
            last = summary.last.sequence
    return False


def _ascends(store: Path, files: SliceFiles) -> bool:
    if files.index is None:
        return True
    last = 0
    with opened_file(store, files.index) as entries:
        for block in index.read_blocks(entries):
            if isinstance(block, Block):
                first, end = block.sequences[0], block.sequences[-1]
                gapless = end - first + 1 == len(block) and block.sequences == array(
                    "Q", range(first, end + 1)
                )
                if first <= last or not (gapless or _is_sorted(block.sequences)):
                    return False
                last = end
    return True


def _is_sorted(sequences: array[int]) -> bool:
    return all(before < after for before, after in pairwise(sequences))


def _extent(slices: Iterable[tuple[SliceFiles, SliceSummary]]) -> tuple[int, int]:
    full = [summary for _, summary in slices if summary.first is not None and summary.last is not None]
    if not full:
        return 1, 0
    assert full[0].first is not None
    assert full[-1].last is not None
    return full[0].first.sequence, full[-1].last.sequence


def _largest(store: Path, files: SliceFiles) -> int:
    """Return the size of the slice's largest record, from its index."""
    if files.index is None:
        return 0
    with opened_file(store, files.index) as entries:
        blocks = index.read_blocks(entries)
        return max((max(block.sizes) for block in blocks if isinstance(block, Block)), default=0)


def _durables(subscriptions: Iterable[StoredSubscription]) -> Iterable[Durable]:
    """Yield the durables; the members of a queue group are one."""
    members: dict[tuple[str, str], list[StoredSubscription]] = {}
    for sub in subscriptions:
        if sub.is_durable and sub.durable_name != RELAY_DURABLE:
            key = ("", sub.queue_name) if sub.queue_name else (sub.client_id, sub.durable_name)
            members.setdefault(key, []).append(sub)
    for (client_id, _), group in members.items():
        yield _durable(client_id, group)


def _durable(client_id: str, members: list[StoredSubscription]) -> Durable:
    first = members[0]
    durable_name, _, queue_group = first.queue_name.partition(":") if first.queue_name else ("", "", "")
    waits = [_ack_wait(member.ack_wait) for member in members]
    return Durable(
        client_id=client_id,
        durable_name=durable_name or first.durable_name,
        queue_group=queue_group,
        last_sent=max(member.last_sent for member in members),
        pending=tuple(sorted(set().union(*(member.pending for member in members)))),
        ack_wait=max(waits),
        max_inflight=sum(member.max_inflight for member in members),
        online=any(not member.is_offline for member in members),
    )


def _ack_wait(stored: int) -> int:
    """Return the nanoseconds of a stored ack wait: seconds, or milliseconds where it is negative."""
    signed = stored - (1 << 64) if stored >= 1 << 63 else stored
    return signed * _NS if signed >= 0 else -signed * 10**6
