"""The differences between two stores, message by message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stanlocal.errors import StoreRefused
from stanlocal.store.format.encryption import StoreKey
from stanlocal.store.format.message import StoredMessage
from stanlocal.store.format.records import Flaw
from stanlocal.store.format.registry import Budget, OverBudget
from stanlocal.store.format.slices import Window, read_messages, slices_of
from stanlocal.store.inspect.overview import read_clients, read_subscriptions, store_cluster_id
from stanlocal.store.inspect.survey import Survey, survey
from stanlocal.util.printable import printable

_KEPT = 100
"""Number of ranges of differing sequences that are listed."""


@dataclass
class _Ranges:
    """Sequences, collected as ranges."""

    found: list[list[int]]
    count: int = 0

    def add(self, sequence: int) -> None:
        self.count += 1
        if self.found and self.found[-1][1] == sequence - 1:
            self.found[-1][1] = sequence
        elif len(self.found) < _KEPT:
            self.found.append([sequence, sequence])

    def document(self) -> dict[str, Any]:
        return {"count": self.count, "ranges": self.found}


@dataclass
class _Side:
    """One of the two stores, and what was met in a channel of it."""

    survey: Survey
    key: StoreKey | None
    damaged: int = 0
    undecryptable: int = 0
    encrypted: int = 0
    """Number of messages that look encrypted, and were compared as they are on disk."""

    def messages(self, channel: str) -> Iterator[StoredMessage]:
        """Yield the messages that can be read, and count the others."""
        self.damaged = self.undecryptable = self.encrypted = 0
        if all(each.name != channel for each in self.survey.channels):
            return
        store, key = self.survey.store, None if self.key is None else self.key.channel(channel)
        for slice_ in slices_of(store, channel):
            for found in read_messages(store, slice_, Window(), key):
                if isinstance(found, StoredMessage):
                    self.encrypted += found.may_be_encrypted
                    yield found
                elif found.flaw is Flaw.UNDECRYPTABLE:
                    self.undecryptable += 1
                else:
                    self.damaged += 1


def diff(a: Path, b: Path, key: StoreKey | None = None) -> dict[str, Any]:
    """Return the document of all differences; `same` says whether there are none.

    Messages are compared by sequence, time and data, clients and subscriptions by all their fields. Damaged
    messages cannot be compared, and count as a difference. Encrypted ones are compared as published if `key`
    is the key of both stores, and else as on disk, where equal messages differ. Raises `StoreRefused` when
    one of the two stores cannot be read.
    """
    sides = _Side(survey(a), key), _Side(survey(b), key)
    names = sorted({channel.name for side in sides for channel in side.survey.channels})
    try:
        channels = [found for name in names if (found := _channel(*sides, name)) is not None]
        ids = [store_cluster_id(store) for store in (a, b)]
        budget = Budget()
        clients = [read_clients(store, budget) for store in (a, b)]
    except OSError as error:
        raise StoreRefused(f"cannot read {error.filename} ({error.strerror})") from error
    except OverBudget as error:
        raise StoreRefused(
            f"cannot compare {a} with {b}: too many clients, subscriptions or pending sequences; "
            "compare copies made after durable subscriptions were closed"
        ) from error
    return {
        "a": str(a),
        "b": str(b),
        "same": not channels and ids[0] == ids[1] and clients[0] == clients[1],
        "cluster_ids": ids,
        "clients_differ": clients[0] != clients[1],
        "channels": channels,
    }


def _channel(first: _Side, second: _Side, name: str) -> dict[str, Any] | None:
    sides = (first, second)
    has = [any(channel.name == name for channel in side.survey.channels) for side in sides]
    only_a, only_b, different = _Ranges([]), _Ranges([]), _Ranges([])
    left, right = first.messages(name), second.messages(name)
    a, b = next(left, None), next(right, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a.sequence < b.sequence):
            assert a is not None
            only_a.add(a.sequence)
            a = next(left, None)
        elif a is None or b.sequence < a.sequence:
            only_b.add(b.sequence)
            b = next(right, None)
        else:
            if (a.timestamp, a.data) != (b.timestamp, b.data):
                different.add(a.sequence)
            a, b = next(left, None), next(right, None)
    budget = Budget()
    subs = [
        _subscriptions(side.survey.store, name, budget) if there else []
        for side, there in zip(sides, has, strict=True)
    ]
    unread = [side.damaged + side.undecryptable for side in sides]
    if (
        has == [True, True]
        and not (only_a.count or only_b.count or different.count)
        and subs[0] == subs[1]
        and unread == [0, 0]
    ):
        return None
    return {
        "name": printable(name),
        "in_a": has[0],
        "in_b": has[1],
        "only_a": only_a.document(),
        "only_b": only_b.document(),
        "different": different.document(),
        "damaged": [side.damaged for side in sides],
        "undecryptable": [side.undecryptable for side in sides],
        "maybe_encrypted": [side.encrypted for side in sides],
        "subscriptions_differ": subs[0] != subs[1],
    }


def _subscriptions(store: Path, channel: str, budget: Budget) -> list[dict[str, Any]]:
    try:
        return [sub.document() for sub in read_subscriptions(store, channel, budget)]
    except FileNotFoundError:
        return []
