"""Watch of a load's connections, which records in the ledger to which node each client is connected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stanlocal.drill.ledger.entries import ABSENT, Kind
from stanlocal.drill.ledger.writer import Ledger

if TYPE_CHECKING:
    from stanlocal.stan.client import Client


@dataclass(slots=True)
class Watched:
    """One client, by its number as publisher or as reader."""

    client: Client
    publisher: int = ABSENT
    reader: int = ABSENT
    node: int | None = None
    """Index of the node that it is connected to, `ABSENT` for an unknown one; None while disconnected."""


def look(watched: Sequence[Watched], urls: Sequence[str], ledger: Ledger) -> None:
    """Record each client whose connection changed since the last look."""
    for each in watched:
        nats = each.client.nats
        connected = nats is not None and nats.is_connected
        node = _node(each.client.connected_url, urls) if connected else None
        if node != each.node:
            kind = Kind.DISCONNECTED if node is None else Kind.CONNECTED
            ledger.event(kind, each.publisher, 0, each.reader, extra=ABSENT if node is None else node)
            each.node = node


def _node(url: str, urls: Sequence[str]) -> int:
    return urls.index(url) if url in urls else ABSENT
