"""Findings: the points at which JetStream behaves differently from NATS Streaming. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stanlocal.migrate.branches import Branch, Split
from stanlocal.migrate.inventory import Channel, Durable, Inventory
from stanlocal.store.format.message import time_of
from stanlocal.util.format import counted, size
from stanlocal.util.printable import printable
from stanlocal.util.timestamps import rfc3339

DEFAULT_MAX_PAYLOAD = 1 << 20
"""Bytes that a NATS server takes by default."""
_HOUR_NS = 3600 * 10**9


class Kind(StrEnum):
    """Kinds of findings."""

    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    SPLIT_BRAIN = "split-brain"
    BEYOND_LIMITS = "beyond-limits"
    MAX_BYTES = "max-bytes"
    RESERVED = "reserved"
    MAX_INACTIVITY = "max-inactivity"
    MAX_CHANNELS = "max-channels"
    MAX_SUBSCRIPTIONS = "max-subscriptions"
    LIMITS_UNKNOWN = "limits-unknown"
    VERSION = "version"
    PAYLOAD = "payload"
    EPHEMERAL = "ephemeral"
    ONLINE = "online"
    OFFLINE = "offline"
    CLIENT_ID = "client-id"
    POSITION_PAST_END = "position-past-end"
    PENDING_GONE = "pending-gone"
    RENAMED = "renamed"
    POSITION_SET_BACK = "position-set-back"


@dataclass(frozen=True, slots=True)
class Finding:
    """One point that is lost or changes, and what to do about it."""

    kind: Kind
    where: str
    """Channel, or channel and durable; empty for the whole store."""
    detail: str
    advice: str
    refused: bool = False
    """True if nothing can be packed with it."""
    salvaged: bool = False
    """True if it can only be packed with `--salvage`."""

    def document(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "where": printable(self.where),
            "detail": printable(self.detail),
            "advice": printable(self.advice),
            "refused": self.refused,
            "salvaged": self.salvaged,
        }


def of_inventory(inventory: Inventory, *, limits_known: bool) -> list[Finding]:
    """Return what is to be said of a store, channel by channel, then of the whole."""
    found = [
        finding
        for channel in inventory.channels
        for finding in _of_channel(channel, readable=inventory.key is not None)
    ]
    if inventory.max_channels:
        found.append(
            Finding(
                Kind.MAX_CHANNELS,
                "",
                f"max_channels {inventory.max_channels} has no counterpart: no stream is made by publishing",
                "make streams on purpose; limit them by account ('max_streams')",
            )
        )
    if not limits_known and inventory.channels:
        found.append(
            Finding(
                Kind.LIMITS_UNKNOWN,
                "",
                "the files do not say the server's limits: every message in them is taken along",
                "name the server's configuration with '--from FILE', so that limits and ages are the same",
            )
        )
    if any(durable.client_id for channel in inventory.channels for durable in channel.durables):
        found.append(
            Finding(
                Kind.CLIENT_ID,
                "",
                "JetStream knows no client ids: two instances of one program may consume at the same time",
                "run one instance, or let them share the work",
            )
        )
    return found


def of_reserved(limits: int) -> list[Finding]:
    """Return what is to be said of the bytes that the limits of all streams add up to; nothing of 0."""
    if not limits:
        return []
    return [
        Finding(
            Kind.RESERVED,
            "",
            f"JetStream reserves max_bytes whole: {size(limits)} for all streams, times '--replicas'",
            "nothing to do below 3/4 of the server's free disk, which it reserves by default; else set at "
            f"least 'jetstream {{ max_file_store: {limits} }}' there, or name lower limits with '--from'",
        )
    ]


def _of_channel(channel: Channel, *, readable: bool) -> Iterator[Finding]:
    if channel.maybe_encrypted and not readable:
        yield Finding(
            Kind.ENCRYPTED,
            channel.name,
            "the messages look encrypted by the server, and cannot be read without its key",
            "give the key with '--key-file' or NATS_STREAMING_ENCRYPTION_KEY",
            refused=True,
        )
    if channel.split is not None:
        yield _of_split(channel, channel.split)
    if channel.beyond_limits:
        yield Finding(
            Kind.BEYOND_LIMITS,
            channel.name,
            f"{channel.beyond_limits} messages are still in the files, but past a limit: they stay behind",
            "nothing to do; the server shows them to no one either",
        )
    if channel.limits.max_bytes:
        yield Finding(
            Kind.MAX_BYTES,
            channel.name,
            f"max_bytes {size(channel.limits.max_bytes)} counts differently: JetStream counts fewer bytes "
            "a message, and keeps some more of them; of relayed ones, which have headers, it keeps fewer",
            "nothing to do, if a few more messages do no harm; raise it where a relay is to fill the stream",
        )
    if channel.limits.max_inactivity:
        hours = channel.limits.max_inactivity / _HOUR_NS
        yield Finding(
            Kind.MAX_INACTIVITY,
            channel.name,
            f"max_inactivity ({hours:g} h) has no counterpart: the stream is never deleted by itself",
            "delete streams that are no longer used, or give their messages a 'max_age'",
        )
    if channel.limits.max_subs:
        yield Finding(
            Kind.MAX_SUBSCRIPTIONS,
            channel.name,
            f"max_subs {channel.limits.max_subs} has no counterpart: any number of clients share a consumer",
            "nothing to do; 'max_consumers' of the stream limits the number of consumers",
        )
    if channel.largest > DEFAULT_MAX_PAYLOAD:
        yield Finding(
            Kind.PAYLOAD,
            channel.name,
            f"its largest message has up to {size(channel.largest)}, more than a server takes by default",
            f"set 'max_payload' of the JetStream servers to at least {channel.largest}",
        )
    if channel.ephemeral:
        yield Finding(
            Kind.EPHEMERAL,
            channel.name,
            f"{channel.ephemeral} subscriptions are not durable: they end with their clients",
            "nothing to do; their programs subscribe again",
        )
    for durable in channel.durables:
        yield from _of_durable(channel, durable)


def _of_split(channel: Channel, split: Split) -> Finding:
    kept, *conflicts = (_shown(branch) for branch in split.parts)
    lost = "; ".join(f"conflict {number}: {each}" for number, each in enumerate(conflicts, 1))
    if split.damaged:
        lost += f"; besides {counted(split.damaged, 'damaged record')}"
    return Finding(
        Kind.SPLIT_BRAIN,
        channel.name,
        f"two servers wrote into it at the same time, from sequence {split.fork + 1} on; "
        f"kept, as it was written last: {kept}; {lost}",
        "pack it with '--salvage': each conflict becomes a stream of its own, and none of them has "
        "limits; publish from the conflicts what the kept branch lacks",
        salvaged=True,
    )


def _shown(branch: Branch) -> str:
    first, last = (rfc3339(time_of(each)) for each in (branch.first_time, branch.last_time))
    sequences = f"{branch.first_sequence} to {branch.last_sequence}"
    return f"{counted(branch.messages, 'message')}, {sequences}, written from {first} to {last}"


def _of_durable(channel: Channel, durable: Durable) -> Iterator[Finding]:
    where = f"{channel.name} {durable.label}"
    if durable.online:
        yield Finding(
            Kind.ONLINE,
            where,
            "it was in use when the files were read: acknowledgements that were on their way are missing",
            "for the last copy stop the subscribers first; otherwise a few messages are delivered again",
        )
    else:
        yield Finding(
            Kind.OFFLINE,
            where,
            "no client was subscribed; its consumer stays until it is deleted, as the durable did",
            "if no one comes back, leave it out with an empty name in '--names'",
        )
    last = channel.last_sequence if channel.split is None else max(durable.pending, default=0)
    gone = sum(not channel.first_sequence <= sequence <= last for sequence in durable.pending)
    if gone:
        yield Finding(
            Kind.PENDING_GONE,
            where,
            f"{gone} unacknowledged messages are no longer in the channel",
            "nothing to do; neither server can deliver them",
        )
    if channel.split is not None and durable.last_sent > channel.split.fork:
        yield Finding(
            Kind.POSITION_SET_BACK,
            where,
            f"it was sent up to {durable.last_sent}; its consumer goes on behind {channel.split.fork}: of "
            "two messages with one sequence no one knows which was acknowledged",
            "nothing to do, if messages may be delivered again; else make the consumer with another start",
        )
    elif durable.last_sent > channel.last_sequence:
        yield Finding(
            Kind.POSITION_PAST_END,
            where,
            f"it was sent up to {durable.last_sent}, and the channel ends at {channel.last_sequence}",
            "look at the store with 'stanlocal store verify': messages are missing at its end",
        )
