"""The entries of a ledger, and their format.

The first line is a JSON document, the header, padded with spaces. After it come cells of `CELL.size` bytes:
one for each event of the load, and for a note one that is followed by JSON, padded to whole cells. A cell's
kind is its last byte, so one that was cut short is never taken for a whole one.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from stanlocal.drill.load.payload import draw_run
from stanlocal.drill.scenario.spec import LoadSpec
from stanlocal.util.timestamps import from_rfc3339, rfc3339

CELL = struct.Struct("<qQIIHHBxxB")
"""Time (nanoseconds since 1970, UTC), sequence, number, extra, publisher, reader, flags, kind.

A note has its length in bytes as its number, and the CRC-32 of its JSON as its extra."""

FORMAT = "stanlocal-drill-ledger"
VERSION = 1

REDELIVERED = 1
"""Flag of a delivery that the server marks as redelivered."""


class Kind(IntEnum):
    """Kinds of entries, each with its fields besides the time."""

    PUBLISHED = 1
    """A message is about to be published: publisher, number."""
    ACKED = 2
    """A message is acknowledged: publisher, number."""
    REFUSED = 3
    """The server refused it, or no server took it: publisher, number."""
    UNANSWERED = 4
    """A message is given up without an answer, stored or not: publisher, number."""
    DELIVERED = 5
    """A delivery: publisher, number, reader, sequence, flags; extra is the server's redelivery count."""
    STRANGE = 6
    """A delivery that is no message of this drill: reader, sequence, flags; its size as extra."""
    CONNECTED = 7
    """A client is connected again: reader, or publisher with `ABSENT` as reader."""
    DISCONNECTED = 8
    """A client's connection broke: fields as of `CONNECTED`."""
    NOTE = 9
    """A note, whose JSON follows."""


# The members as they are looked up here cost a load half a microsecond less for each event.
PUBLISHED, ACKED, REFUSED, UNANSWERED = Kind.PUBLISHED, Kind.ACKED, Kind.REFUSED, Kind.UNANSWERED
DELIVERED, STRANGE = Kind.DELIVERED, Kind.STRANGE

ABSENT = 0xFFFF
"""Number in place of a missing publisher or reader."""


@dataclass(frozen=True, slots=True)
class Header:
    """The description of a drill: all that is needed to judge its ledger."""

    load: LoadSpec
    drill: str = ""
    """The scenario's name."""
    group: str = ""
    seed: int | None = None
    """Seed of the scenario's random choices."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    run: int = field(default_factory=draw_run)
    """Random number of the drill, which its messages carry, so that those of other drills are recognised."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def line(self) -> bytes:
        """Return the first line of the file, padded to whole cells."""
        document = {
            "format": FORMAT,
            "version": VERSION,
            "drill": self.drill,
            "group": self.group,
            "seed": self.seed,
            "started": rfc3339(self.started),
            "run": self.run,
            "load": self.load.document(),
            "settings": dict(self.settings),
            "versions": dict(self.versions),
        }
        text = json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode()
        return text + b" " * (-(len(text) + 1) % CELL.size) + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Header:
        """Return the header in a first line; raises `ValueError` for anything else or another version."""
        document = _loads(line)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError("its first line is not a ledger's")
        if document.get("version") != VERSION:
            raise ValueError(f"it is of version {document.get('version')!r}, this is for {VERSION}")
        kinds: Mapping[str, type | tuple[type, ...]] = {
            "drill": str, "group": str, "seed": (int, type(None)), "started": str,
            "run": int, "load": dict, "settings": dict, "versions": dict,
        }  # fmt: skip
        for key, kind in kinds.items():
            if key not in document or not isinstance(document[key], kind):
                raise ValueError(f"{key!r} in its first line is missing or of a wrong type")
        return cls(
            load=LoadSpec.from_document(document["load"]),
            started=_time(document["started"]),
            **{key: document[key] for key in ("drill", "group", "seed", "run", "settings", "versions")},
        )


@dataclass(frozen=True, slots=True)
class Note:
    """An event of the group or the drill: a fault, a heal, a role, a failover, a step, the end."""

    kind: str
    time: datetime
    fields: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> bytes:
        """Return it as JSON."""
        document = {**self.fields, "kind": self.kind, "time": rfc3339(self.time)}
        return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode()

    @classmethod
    def read(cls, text: bytes) -> Note:
        """Return the note in JSON; raises `ValueError` when there is none."""
        document = _loads(text)
        if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
            raise ValueError("a note without its kind")
        kind, time = document.pop("kind"), document.pop("time", None)
        if not isinstance(time, str):
            raise ValueError("a note without its time")
        return cls(kind, _time(time), document)


def _loads(text: bytes) -> Any:
    """Return a JSON document; raises `ValueError` also for unpaired surrogates, which cannot be shown."""
    document = json.loads(text)
    if b"\\ud" in text.lower():
        json.dumps(document, ensure_ascii=False).encode()
    return document


def _time(stamp: str) -> datetime:
    """Return the time in UTC; raises `ValueError` for one that does not fit into a cell."""
    time = from_rfc3339(stamp)
    if not 1970 < time.year < 2262:
        raise ValueError(f"{stamp!r} is not a time that a drill can have")
    return time.astimezone(UTC)
