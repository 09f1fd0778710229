"""The monitor's documents with sums: pending messages, backlogs, stalled and offline subscriptions. Pure.

A *reader* receives each message once: a subscription by itself, or all members of a queue group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of a channel."""

    channel: str
    client_id: str
    """Client id of the only member, or of an offline durable; empty for a queue group."""
    durable: str
    queue: str
    offline: bool
    """Whether it is a durable without a connected member."""
    members: int
    last_sent: int
    pending: int
    """Messages sent and not acknowledged."""
    backlog: int
    """Messages not acknowledged or not yet sent."""
    stalled: int
    """Number of members that get no message before they acknowledge."""

    @property
    def name(self) -> str:
        """Display name: `client/durable` or `durable:queue`, without parts that are empty."""
        if self.queue:
            return ":".join(filter(None, (self.durable, self.queue)))
        return "/".join(filter(None, (self.client_id, self.durable)))


def split_queue(subscription: Document) -> tuple[str, str]:
    """Return durable name and queue group; the server shows those of a durable queue as `durable:queue`."""
    durable, queue = _text(subscription, "durable_name"), _text(subscription, "queue_name")
    if queue and subscription.get("is_durable"):
        durable, _, queue = queue.partition(":")
    return durable, queue


def readers(channel: Document) -> list[Reader]:
    """Return the channel's readers."""
    return [_reader(channel, members) for members in _by_reader(channel)]


def _by_reader(channel: Document) -> list[list[Document]]:
    """Return the channel's subscriptions, grouped by reader."""
    groups: dict[tuple[str, ...], list[Document]] = {}
    for number, sub in enumerate(subscriptions_of(channel)):
        durable, queue = split_queue(sub)
        key = ("queue", durable, queue) if queue else ("single", str(number))
        groups.setdefault(key, []).append(sub)
    return list(groups.values())


def _reader(channel: Document, members: Sequence[Document]) -> Reader:
    durable, queue = split_queue(members[0])
    last_sent = max(_count(sub, "last_sent") for sub in members)
    pending = sum(_count(sub, "pending_count") for sub in members)
    return Reader(
        channel=str(channel["name"]),
        client_id="" if queue else _text(members[0], "client_id"),
        durable=durable,
        queue=queue,
        offline=all(sub.get("is_offline") is True for sub in members),
        members=len(members),
        last_sent=last_sent,
        pending=pending,
        backlog=max(_count(channel, "last_seq") - max(last_sent, _count(channel, "first_seq") - 1), 0)
        + pending,
        stalled=sum(sub.get("is_stalled") is True for sub in members),
    )


def subscriptions_of(document: Document) -> list[Document]:
    """Return the subscriptions in a channel's document."""
    subs = document.get("subscriptions") or []
    return [sub for sub in subs if isinstance(sub, dict)] if isinstance(subs, list) else []


def channel_documents(channels: Iterable[Document]) -> list[Document]:
    """Return the monitor's document of each channel, with sums over its readers."""
    shaped = []
    for channel in channels:
        found = readers(channel)
        shaped.append(
            {
                **channel,
                "pending": sum(reader.pending for reader in found),
                "backlog": max((reader.backlog for reader in found), default=0),
                "stalled": sum(reader.stalled for reader in found),
                "unread_durables": [reader.name for reader in found if reader.offline],
            }
        )
    return shaped


def subscription_documents(channels: Iterable[Document]) -> list[Document]:
    """Return the monitor's document of each subscription, with its channel and its reader's backlog.

    A member of a queue group is as far behind as the group: what another member has read is read.
    """
    shaped = []
    for channel in channels:
        found = [(members, _reader(channel, members).backlog) for members in _by_reader(channel)]
        backlogs = {id(member): backlog for members, backlog in found for member in members}
        shaped += [
            {"channel": channel["name"], **sub, "backlog": backlogs[id(sub)]}
            for sub in subscriptions_of(channel)
        ]
    return shaped


def client_documents(clients: Iterable[Document]) -> list[Document]:
    """Return the monitor's document of each client, with sums over its subscriptions."""
    shaped = []
    for client in clients:
        subs = list(_client_subscriptions(client))
        shaped.append(
            {
                **client,
                "pending": sum(_count(sub, "pending_count") for sub in subs),
                "stalled": sum(sub.get("is_stalled") is True for sub in subs),
            }
        )
    return shaped


def _client_subscriptions(client: Document) -> Iterator[Document]:
    channels = client.get("subscriptions") or {}
    if isinstance(channels, dict):
        for subs in channels.values():
            yield from subscriptions_of({"subscriptions": subs})


def select(documents: Iterable[Document], key: str, pattern: str) -> list[Document]:
    """Select the documents whose `key` matches the glob, case-sensitively like the server."""
    return [document for document in documents if fnmatchcase(str(document.get(key, "")), pattern)]


def ordered(documents: Iterable[Document], key: str, name: str) -> list[Document]:
    """Sort by `key`, numbers descending and texts ascending, then by `name`."""

    def rank(document: Document) -> tuple[Any, ...]:
        value = document.get(key, 0)
        return (-value, str(document.get(name))) if isinstance(value, int) else (0, str(value))

    return sorted(documents, key=rank)


def _count(document: Document, key: str) -> int:
    value = document.get(key)
    return value if isinstance(value, int) else 0


def _text(document: Document, key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""
