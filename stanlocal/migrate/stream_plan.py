"""The plan of one stream: its configuration, state and consumers in JetStream's terms. Pure.

Names and values are those of nats-server 2.15 (server/stream.go: StreamConfig, StreamState;
server/consumer.go: ConsumerConfig; server/store.go: ConsumerState).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from stanlocal.migrate.branches import KEPT, Branch
from stanlocal.migrate.inventory import Channel, Durable
from stanlocal.store.format.bulk_messages import BulkMessage
from stanlocal.util.printable import printable
from stanlocal.util.timestamps import rfc3339_ns

Served: TypeAlias = Mapping[tuple[str, str], Mapping[str, Any]]
"""Position that a running group serves, by channel and the durable's label."""

_NO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time, which an empty stream has."""
_DUPLICATE_WINDOW_NS = 120 * 10**9
_HEAD_BYTES = 30
"""Bytes that a file stream counts for a message besides subject and payload: head and checksum."""


@dataclass(frozen=True, slots=True)
class ConsumerPlan:
    """A durable as a pull consumer."""

    name: str
    durable: Durable
    floor: int
    """Highest sequence up to which all messages are acknowledged."""
    pending: tuple[int, ...]
    """Sequences that are delivered, not acknowledged, and still in the stream."""
    delivered: int
    """Highest sequence that was delivered."""

    @classmethod
    def of(cls, name: str, channel: Channel, durable: Durable) -> ConsumerPlan:
        """Make the plan of a durable: unacknowledged messages that are gone count as acknowledged.

        In a channel that two servers wrote into it counts as far as both wrote the same: of two messages with
        one sequence no one knows which was acknowledged.
        """
        last = min(channel.last_sequence, channel.split.fork if channel.split else channel.last_sequence)
        delivered = min(max(durable.last_sent, channel.first_sequence - 1), last)
        low = bisect_left(durable.pending, channel.first_sequence)
        pending = durable.pending[low : bisect_right(durable.pending, delivered)]
        return cls(name, durable, pending[0] - 1 if pending else delivered, pending, delivered)

    def config(self) -> dict[str, Any]:
        """Return the consumer's configuration."""
        return {
            "name": self.name,
            "durable_name": self.name,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": self.durable.ack_wait,
            "max_deliver": -1,
            "max_ack_pending": self.durable.max_inflight,
            "max_waiting": 512,
            "replay_policy": "instant",
            "num_replicas": 0,
            "metadata": {"stan_durable": printable(self.durable.label)},
        }

    def state(self, time: int) -> dict[str, Any]:
        """Return the consumer's state, as if its unacknowledged messages were delivered at `time` (ns)."""
        return {
            "delivered": {"consumer_seq": self.delivered, "stream_seq": self.delivered},
            "ack_floor": {"consumer_seq": self.floor, "stream_seq": self.floor},
            "pending": {str(each): {"Sequence": each, "Timestamp": time} for each in self.pending},
        }

    def document(self) -> dict[str, Any]:
        durable = self.durable
        return {
            "consumer": self.name,
            "client_id": printable(durable.client_id),
            "durable_name": printable(durable.durable_name),
            "queue_group": printable(durable.queue_group),
            "delivered": self.delivered,
            "ack_floor": self.floor,
            "pending_count": len(self.pending),
            "ack_wait_s": durable.ack_wait / 1e9,
            "max_ack_pending": durable.max_inflight,
        }


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """A channel as a stream with one subject."""

    name: str
    channel: Channel
    consumers: tuple[ConsumerPlan, ...]
    part: int = KEPT
    """Number of the channel's branch, if two servers wrote into it at the same time."""

    @property
    def subject(self) -> str:
        """The channel's name; the stream's own for a conflict, as no two streams share a subject."""
        return self.channel.name if self.part == KEPT else self.name

    @property
    def branch(self) -> Branch | None:
        """The branch that it is of a channel that two servers wrote into."""
        return self.channel.split.parts[self.part] if self.channel.split else None

    def config(self, replicas: int = 1) -> dict[str, Any]:
        """Return the stream's configuration; limits of 0 in STAN are no limits, which are -1 here."""
        limits = self.channel.limits
        return {
            "name": self.name,
            "subjects": [self.subject],
            "retention": "limits",
            "storage": "file",
            "discard": "old",
            "num_replicas": replicas,
            "max_consumers": -1,
            "max_msgs": limits.max_msgs or -1,
            "max_bytes": limits.max_bytes or -1,
            "max_age": limits.max_age,
            "max_msg_size": -1,
            "duplicate_window": min(_DUPLICATE_WINDOW_NS, limits.max_age or _DUPLICATE_WINDOW_NS),
            "allow_direct": True,
            "metadata": {"stan_channel" if self.part == KEPT else "stan_conflict_of": self.channel.name},
        }

    def stored_bytes(self, messages: int, payload: int) -> int:
        """Return the bytes that the stream counts for that number of messages and bytes of payload."""
        return payload + messages * (_HEAD_BYTES + len(self.subject.encode()))

    def document(self, served: Served | None = None) -> dict[str, Any]:
        """Return the JSON document, with the positions that a running group serves."""
        channel = self.channel
        limits = channel.limits
        return {
            "channel": printable(channel.name),
            "stream": self.name,
            "messages": channel.messages,
            "first_seq": channel.first_sequence if channel.messages else 0,
            "last_seq": channel.last_sequence,
            "disk_bytes": channel.disk_bytes,
            "max_msgs": limits.max_msgs,
            "max_bytes": limits.max_bytes,
            "max_age_s": limits.max_age / 1e9,
            "conflict": self.part != KEPT,
            "branch": self.branch.document() if self.branch else None,
            "consumers": [
                {**each.document(), "served": (served or {}).get((channel.name, each.durable.label))}
                for each in self.consumers
            ],
        }


@dataclass(slots=True)
class Contents:
    """The messages of a stream, counted while they are written."""

    messages: int = 0
    payload: int = 0
    largest: int = 0
    """Bytes of the largest message."""
    first: tuple[int, int] | None = None
    """Sequence and time of the first message."""
    last: tuple[int, int] | None = None

    def add(self, messages: list[BulkMessage]) -> None:
        """Count messages that follow those counted so far."""
        self.messages += len(messages)
        sizes = [len(data) for _, _, data in messages]
        self.payload += sum(sizes)
        self.largest = max(self.largest, *sizes)
        self.first = self.first or messages[0][:2]
        self.last = messages[-1][:2]

    def state(self, plan: StreamPlan) -> dict[str, Any]:
        """Return the stream's state."""
        first, last = self.first, self.last
        return {
            "messages": self.messages,
            "bytes": plan.stored_bytes(self.messages, self.payload),
            "first_seq": first[0] if first else plan.channel.last_sequence + 1,
            "first_ts": rfc3339_ns(first[1]) if first else _NO_TIME,
            "last_seq": plan.channel.last_sequence,
            "last_ts": rfc3339_ns(last[1]) if last else _NO_TIME,
            "consumer_count": len(plan.consumers),
        }
