"""The clients (`clients.dat`) and subscriptions (`subs.dat`) of a store, folded from their records.

Both files are journals: later records change or end what earlier ones made. Numbers of the record types
and fields are those of stores/filestore.go and spb/protocol.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from stanlocal.store.format.bulk import Part, Run
from stanlocal.store.format.records import Record
from stanlocal.store.format.wire import fields, text, varint, whole

CLIENT_TYPES = (CLIENT_ADD, CLIENT_DELETE) = (1, 2)
SUB_TYPES = (SUB_NEW, SUB_UPDATE, SUB_DELETE, SUB_ACK, SUB_SENT) = (1, 2, 3, 4, 5)


_ROOM = 20 << 20
"""Bytes of memory allowed by default; the next three are what one client, subscription and sequence takes."""
_CLIENT_BYTES = 700
_SUBSCRIPTION_BYTES = 1600
_PENDING_BYTES = 100


class OverBudget(Exception):
    """The clients and subscriptions of a store take more memory than is allowed."""


class Budget:
    """Memory allowed for all clients, subscriptions and pending sequences of a store.

    Their files may be of any size: it is enough for some 12,000 subscriptions or 200,000 pending sequences.
    """

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room

    def take(self, size: int) -> None:
        """Take `size` bytes, or give them back where negative; raises `OverBudget` when none are left."""
        self._room -= size
        if self._room < 0:
            raise OverBudget


@dataclass(frozen=True, slots=True)
class StoredClient:
    """A client that the server knows."""

    id: str
    heartbeat_inbox: str

    @property
    def cost(self) -> int:
        """Bytes of memory, its document included."""
        return _CLIENT_BYTES + 4 * (len(self.id) + len(self.heartbeat_inbox))

    def document(self) -> dict[str, Any]:
        return {"id": self.id, "hb_inbox": self.heartbeat_inbox}


@dataclass(slots=True)
class StoredSubscription:
    """A subscription that the server knows, under the names of its monitor."""

    id: int = 0
    client_id: str = ""
    queue_name: str = ""
    inbox: str = ""
    ack_inbox: str = ""
    max_inflight: int = 0
    ack_wait: int = 0
    """Seconds until an unacknowledged message is sent again."""
    durable_name: str = ""
    last_sent: int = 0
    is_durable: bool = False
    is_offline: bool = False
    pending: set[int] = field(default_factory=set)
    """Sequences that were sent and not acknowledged, as far as the server has written it down."""

    @property
    def cost(self) -> int:
        """Bytes of memory, its document included, without its pending sequences."""
        names = (self.client_id, self.queue_name, self.inbox, self.ack_inbox, self.durable_name)
        return _SUBSCRIPTION_BYTES + 4 * sum(map(len, names))

    def document(self) -> dict[str, Any]:
        return {
            "client_id": self.client_id,
            "durable_name": self.durable_name,
            "queue_name": self.queue_name,
            "is_durable": self.is_durable,
            "is_offline": self.is_offline,
            "max_inflight": self.max_inflight,
            "ack_wait": self.ack_wait,
            "last_sent": self.last_sent,
            "pending_count": len(self.pending),
            "pending": sorted(self.pending),
        }


def fold_clients(parts: Iterable[Part], budget: Budget) -> list[StoredClient]:
    """Return the clients that the intact records leave, by id; raises `OverBudget`."""
    clients: dict[str, StoredClient] = {}
    for part in parts:
        for record in _records(part):
            with suppress(ValueError):  # undecodable records are reported by `verify`
                client = _client(record.payload)
                if (before := clients.pop(client.id, None)) is not None:
                    budget.take(-before.cost)
                if record.type == CLIENT_ADD:
                    budget.take(client.cost)
                    clients[client.id] = client
    return [clients[name] for name in sorted(clients)]


def fold_subscriptions(parts: Iterable[Part], budget: Budget) -> list[StoredSubscription]:
    """Return the subscriptions that the intact records leave, by id; raises `OverBudget`."""
    subs: dict[int, StoredSubscription] = {}
    for part in parts:
        if isinstance(part, Run) and _apply_run(subs, part, budget):
            continue
        for record in _records(part):
            with suppress(ValueError):
                _apply(subs, record, budget)
    return [subs[number] for number in sorted(subs)]


def _records(part: Part) -> Iterable[Record]:
    if isinstance(part, Run):
        return part.single()
    return (part,) if isinstance(part, Record) else ()


def check_payload(types: tuple[int, ...], record: Record) -> None:
    """Raise `ValueError` unless the record can be decoded as one of its type."""
    if types is CLIENT_TYPES:
        _client(record.payload)
    elif record.type in (SUB_NEW, SUB_UPDATE):
        _subscription(record.payload)
    elif record.type == SUB_DELETE:
        whole(dict(fields(record.payload)).get(1, 0))
    else:
        _id_and_sequence(record.payload)


def misfit(types: tuple[int, ...], record: Record) -> str | None:
    """Return the evidence that the record was written with another type, though the server accepts it.

    The checksum does not cover the type. Types with the same fields cannot be distinguished: a new
    subscription and a changed one, a message sent and one acknowledged.
    """
    there = {number for number, _ in fields(record.payload)}
    if record.type == (CLIENT_DELETE if types is CLIENT_TYPES else SUB_DELETE):
        return "an end with more than an id" if there - {1} else None
    if types is CLIENT_TYPES:
        return None if 2 in there else "a client without a heartbeat inbox"
    if record.type in (SUB_NEW, SUB_UPDATE):
        return None if 5 in there else "a subscription without an inbox for its acks"
    return None if 2 in there else "a message without a sequence"


def _client(payload: bytes) -> StoredClient:
    found = dict(fields(payload))
    return StoredClient(text(found.get(1, b"")), text(found.get(2, b"")))


def _apply(subs: dict[int, StoredSubscription], record: Record, budget: Budget) -> None:
    if record.type in (SUB_NEW, SUB_UPDATE):
        sub = _subscription(record.payload)
        if (before := subs.get(sub.id)) is not None:
            if record.type == SUB_UPDATE:
                sub.pending = before.pending
            budget.take(-before.cost - _PENDING_BYTES * (len(before.pending) - len(sub.pending)))
        budget.take(sub.cost)
        subs[sub.id] = sub
        return
    number, sequence = _id_and_sequence(record.payload)
    known = subs.get(number)
    if known is None:
        return
    pending = len(known.pending)
    if record.type == SUB_ACK:
        known.pending.discard(sequence)
    elif record.type == SUB_SENT:
        known.pending.add(sequence)
        if sequence > known.last_sent:
            known.last_sent = sequence
    else:
        del subs[number]
        budget.take(-known.cost - _PENDING_BYTES * pending)
        return
    budget.take(_PENDING_BYTES * (len(known.pending) - pending))


def _apply_run(subs: dict[int, StoredSubscription], run: Run, budget: Budget) -> bool:
    """Apply a run of messages sent and acknowledged of one subscription; return whether it is one."""
    if not set(run.types) <= {SUB_ACK, SUB_SENT}:
        return False
    first = run.payload(0)
    try:
        number, begin = varint(first, 1)
    except ValueError:
        return False
    if begin + 1 >= run.size:
        return False
    columns = [run.column(place) for place in range(run.size)]
    same = (column == column[:1] * len(run) for column in columns[: begin + 1])
    if first[begin] != 0x10 or not all(same):
        return False
    sequences: Sequence[int] = columns[-1]
    if max(sequences) >= 0x80 or any(min(column) < 0x80 for column in columns[begin + 1 : -1]):
        return False
    for column in reversed(columns[begin + 1 : -1]):
        sequences = [high << 7 | low & 0x7F for high, low in zip(sequences, column, strict=True)]
    known = subs.get(number)
    if known is not None:
        pending = len(known.pending)
        add, discard = known.pending.add, known.pending.discard
        for kind, sequence in zip(run.types, sequences, strict=True):
            (add if kind == SUB_SENT else discard)(sequence)
        sent = (sequence for kind, sequence in zip(run.types, sequences, strict=True) if kind == SUB_SENT)
        known.last_sent = max(known.last_sent, max(sent, default=0))
        budget.take(_PENDING_BYTES * (len(known.pending) - pending))
    return True


def _id_and_sequence(payload: bytes) -> tuple[int, int]:
    """Return the fields 1 and 2; a missing one is 0."""
    found = dict(fields(payload))
    return whole(found.get(1, 0)), whole(found.get(2, 0))


def _subscription(payload: bytes) -> StoredSubscription:
    found = dict(fields(payload))
    return StoredSubscription(
        id=whole(found.get(1, 0)),
        client_id=text(found.get(2, b"")),
        queue_name=text(found.get(3, b"")),
        inbox=text(found.get(4, b"")),
        ack_inbox=text(found.get(5, b"")),
        max_inflight=whole(found.get(6, 0)),
        ack_wait=whole(found.get(7, 0)),
        durable_name=text(found.get(8, b"")),
        last_sent=whole(found.get(9, 0)),
        is_durable=bool(whole(found.get(10, 0)) or found.get(8)),
        is_offline=bool(whole(found.get(11, 0)) or not found.get(2)),  # a queue group without members
    )
