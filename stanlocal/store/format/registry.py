"""Who the store knows: clients (`clients.dat`) and subscriptions (`subs.dat`), folded from their records.

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


@dataclass(frozen=True, slots=True)
class StoredClient:
    """A client that the server knows."""

    id: str
    heartbeat_inbox: str

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
    """Seconds."""
    durable_name: str = ""
    last_sent: int = 0
    is_durable: bool = False
    is_offline: bool = False
    pending: set[int] = field(default_factory=set)
    """Sequences that were sent and not acknowledged, as far as the server has written it down."""

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


def fold_clients(parts: Iterable[Part]) -> list[StoredClient]:
    """The clients that the intact records leave, by id."""
    clients: dict[str, StoredClient] = {}
    for part in parts:
        for record in _records(part):
            with suppress(ValueError):  # what is no client makes none; `check_file` tells of it
                client = _client(record.payload)
                if record.type == CLIENT_ADD:
                    clients[client.id] = client
                else:
                    clients.pop(client.id, None)
    return [clients[name] for name in sorted(clients)]


def fold_subscriptions(parts: Iterable[Part]) -> list[StoredSubscription]:
    """The subscriptions that the intact records leave, in the order of their ids."""
    subs: dict[int, StoredSubscription] = {}
    for part in parts:
        if isinstance(part, Run) and _apply_run(subs, part):
            continue
        for record in _records(part):
            with suppress(ValueError):
                _apply(subs, record)
    return [subs[number] for number in sorted(subs)]


def _records(part: Part) -> Iterable[Record]:
    if isinstance(part, Run):
        return part.single()
    return (part,) if isinstance(part, Record) else ()


def check_payload(types: tuple[int, ...], record: Record) -> None:
    """Raises `ValueError` when the record is none of a client's or subscription's."""
    if types is CLIENT_TYPES:
        _client(record.payload)
    elif record.type in (SUB_NEW, SUB_UPDATE):
        _subscription(record.payload)
    elif record.type == SUB_DELETE:
        whole(dict(fields(record.payload)).get(1, 0))
    else:
        _id_and_sequence(record.payload)


def misfit(types: tuple[int, ...], record: Record) -> str | None:
    """What shows that the record was written as one of another type, though the server takes it as it is.

    The type stands outside of the checksum. Types of the same fields cannot be told apart: a subscription
    that is new and one that changed, a message that was sent and one that was acknowledged.
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


def _apply(subs: dict[int, StoredSubscription], record: Record) -> None:
    if record.type in (SUB_NEW, SUB_UPDATE):
        sub = _subscription(record.payload)
        if record.type == SUB_UPDATE and sub.id in subs:
            sub.pending = subs[sub.id].pending
        subs[sub.id] = sub
        return
    number, sequence = _id_and_sequence(record.payload)
    known = subs.get(number)
    if known is None:
        return
    if record.type == SUB_ACK:
        known.pending.discard(sequence)
    elif record.type == SUB_SENT:
        known.pending.add(sequence)
        if sequence > known.last_sent:
            known.last_sent = sequence
    else:
        del subs[number]


def _apply_run(subs: dict[int, StoredSubscription], run: Run) -> bool:
    """Applies a run if it is nothing but messages sent and acknowledged of one subscription."""
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
        add, discard = known.pending.add, known.pending.discard
        for kind, sequence in zip(run.types, sequences, strict=True):
            (add if kind == SUB_SENT else discard)(sequence)
        sent = (sequence for kind, sequence in zip(run.types, sequences, strict=True) if kind == SUB_SENT)
        known.last_sent = max(known.last_sent, max(sent, default=0))
    return True


def _id_and_sequence(payload: bytes) -> tuple[int, int]:
    """The fields 1 and 2; either may be missing, and is then 0."""
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
        is_offline=bool(whole(found.get(11, 0))),
    )
