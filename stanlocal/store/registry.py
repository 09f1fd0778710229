"""Who the store knows: clients (`clients.dat`) and subscriptions (`subs.dat`), folded from their records.

Both files are journals: later records change or end what earlier ones made. Numbers of the record types
and fields are those of stores/filestore.go and spb/protocol.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stanlocal.store.message import sequence_of
from stanlocal.store.records import Damage, Flaw, Found, Record
from stanlocal.store.wire import fields, text, varint, whole

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


def fold_clients(records: Iterable[Found]) -> tuple[list[StoredClient], list[Damage]]:
    """The clients that these records leave, by id, and what is damaged."""
    clients: dict[str, StoredClient] = {}
    damages: list[Damage] = []
    for record in _sound(records, CLIENT_TYPES, damages):
        try:
            client = _client(record.payload)
        except ValueError as error:
            damages.append(_undecodable(record, error))
            continue
        if record.type == CLIENT_ADD:
            clients[client.id] = client
        else:
            clients.pop(client.id, None)
    return [clients[name] for name in sorted(clients)], damages


def fold_subscriptions(records: Iterable[Found]) -> tuple[list[StoredSubscription], list[Damage]]:
    """The subscriptions that these records leave, in the order of their ids, and what is damaged."""
    subs: dict[int, StoredSubscription] = {}
    damages: list[Damage] = []
    for record in _sound(records, SUB_TYPES, damages):
        try:
            _apply(subs, record)
        except ValueError as error:
            damages.append(_undecodable(record, error))
    return [subs[number] for number in sorted(subs)], damages


def check_payload(types: tuple[int, ...], record: Record) -> None:
    """Raises `ValueError` when the record is none of a client's or subscription's."""
    if types is CLIENT_TYPES:
        _client(record.payload)
    elif record.type in (SUB_NEW, SUB_UPDATE):
        _subscription(record.payload)
    else:
        _id_and_sequence(record.payload)


def _sound(records: Iterable[Found], types: tuple[int, ...], damages: list[Damage]) -> Iterator[Record]:
    for record in records:
        if isinstance(record, Damage):
            damages.append(record)
        elif record.type not in types:
            damages.append(Damage(record.offset, Flaw.TYPE, f"a record of type {record.type}"))
        else:
            yield record


def _undecodable(record: Record, error: ValueError) -> Damage:
    return Damage(record.offset, Flaw.UNDECODABLE, f"a record of type {record.type} that is none: {error}")


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
    if record.type == SUB_DELETE:
        subs.pop(number, None)
    elif (known := subs.get(number)) is not None:
        if record.type == SUB_ACK:
            known.pending.discard(sequence)
        else:
            known.pending.add(sequence)
            known.last_sent = max(known.last_sent, sequence)


def _id_and_sequence(payload: bytes) -> tuple[int, int]:
    number = sequence_of(payload)
    at = 1
    while payload[at] & 0x80:
        at += 1
    if at + 1 == len(payload):
        return number, 0
    if payload[at + 1] != 0x10:
        raise ValueError("no sequence in it")
    return number, varint(payload, at + 2)[0]


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
