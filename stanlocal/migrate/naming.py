"""The names of streams and consumers, made from those of channels and durables. Pure.

JetStream takes no dots, wildcards, slashes, blanks or unprintable characters in a name (nats-server,
server/jetstream_api.go: isValidName, and the folders that streams are stored in); each becomes `_`. So two
channels may get one name: that is an error, and a file of names settles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stanlocal.errors import SettingsError
from stanlocal.migrate.inventory import Channel, Durable
from stanlocal.util.printable import printable

LONGEST = 255
"""Bytes of a name (nats-server, server/jetstream_api.go: JSMaxNameLen)."""
_REFUSED = frozenset("./\\*> ")


@dataclass(frozen=True, slots=True)
class Names:
    """Names that the user chose; an empty one leaves its channel or durable out."""

    streams: Mapping[str, str] = field(default_factory=dict)
    """Stream by channel."""
    consumers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Consumer by channel and the durable's label: `client/durable`, or `durable:group`."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Names:
        """Read the tables `streams` and `consumers`; raises `SettingsError` for anything else."""
        problems = [
            f"names: unknown table '{printable(key)}'" for key in document.keys() - {"streams", "consumers"}
        ]
        streams = _texts("streams", document.get("streams", {}), problems)
        consumers = document.get("consumers", {})
        if not isinstance(consumers, Mapping):
            problems.append("names: 'consumers' is no table of tables by channel")
            consumers = {}
        by_channel = {
            channel: _texts(f"consumers.{printable(channel)}", table, problems)
            for channel, table in consumers.items()
        }
        if problems:
            raise SettingsError(problems)
        return cls(streams, by_channel)

    def unused(self, channels: Iterable[Channel]) -> list[str]:
        """Return a line for each name that belongs to no channel or durable of these."""
        labels = {channel.name: {each.label for each in channel.durables} for channel in channels}
        lost = [f"names: no channel '{printable(name)}'" for name in self.streams if name not in labels]
        for channel, table in self.consumers.items():
            lost += [
                f"names: no durable '{printable(label)}' in channel '{printable(channel)}'"
                for label in table
                if label not in labels.get(channel, ())
            ]
        return lost


def _texts(where: str, table: Any, problems: list[str]) -> dict[str, str]:
    if not isinstance(table, Mapping) or not all(isinstance(value, str) for value in table.values()):
        problems.append(f"names: '{where}' is no table of names")
        return {}
    return dict(table)


def stream_name(channel: str, names: Names) -> str:
    """Return the stream's name for a channel; empty if it stays behind."""
    return names.streams.get(channel, cleaned(channel))


def consumer_name(channel: str, durable: Durable, names: Names) -> str:
    """Return the consumer's name for a durable of a channel; empty if it stays behind.

    Durables of several clients may have one name, consumers of one stream may not: the client is part of it.
    """
    chosen = names.consumers.get(channel, {}).get(durable.label)
    if chosen is not None:
        return chosen
    owner = durable.queue_group or durable.client_id
    parts = (durable.durable_name, owner) if durable.queue_group else (owner, durable.durable_name)
    return cleaned("_".join(parts))


def conflict_name(stream: str, number: int) -> str:
    """Return the name of the stream for a branch that is not kept, numbered from 1 on."""
    return f"{stream}_conflict" if number == 1 else f"{stream}_conflict_{number}"


def cleaned(name: str) -> str:
    """Replace whatever JetStream takes in no name."""
    return "".join("_" if c in _REFUSED or not c.isprintable() else c for c in name)


def problems_of(named: Iterable[tuple[str, str]], kind: str) -> list[str]:
    """Return a line for each name that JetStream refuses, and for each that two things got.

    `named` are pairs of what is named, and its name.
    """
    pairs = list(named)
    found: list[str] = []
    for what, name in pairs:
        if not name or cleaned(name) != name or len(name.encode()) > LONGEST:
            found.append(
                f"{printable(what)}: JetStream takes no {kind} named '{printable(name)}'; "
                f"choose one of at most {LONGEST} bytes, without dots, slashes and blanks, with '--names'"
            )
    return found + shared(pairs, kind)


def shared(named: Iterable[tuple[str, str]], kind: str) -> list[str]:
    """Return a line for each name that several things got."""
    owners: dict[str, list[str]] = {}
    for what, name in named:
        owners.setdefault(name, []).append(what)
    return [
        f"{' and '.join(map(printable, several))} would both be the {kind} '{printable(name)}'; "
        "give one another name with '--names'"
        for name, several in owners.items()
        if len(several) > 1
    ]
