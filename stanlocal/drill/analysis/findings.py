"""What a ledger says: the checker's findings, before anybody judges them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from stanlocal.drill.ledger.entries import Header, Note
from stanlocal.util.timestamps import rfc3339

LISTED = 1_000
"""Runs of messages or sequences that are listed; all are counted."""


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages of one publisher with consecutive numbers, with which the same thing is the matter."""

    channel: str
    publisher: int
    first: int
    last: int
    missing_at: tuple[str, ...] = ()
    """The audiences that should have had them and did not, by name; `audit` is the store at the end."""
    had_by: tuple[str, ...] = ()
    """The audiences that did have them."""
    acked_from: datetime | None = None
    """When the first of them was acknowledged; `acked_to`: the last."""
    acked_to: datetime | None = None

    @property
    def count(self) -> int:
        """How many they are."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.channel} publisher {self.publisher} number {_range(self.first, self.last)}"

    def document(self) -> dict[str, Any]:
        """As the verdict's JSON shows them."""
        return {
            "channel": self.channel,
            "publisher": self.publisher,
            "first": self.first,
            "last": self.last,
            "missing_at": list(self.missing_at),
            "had_by": list(self.had_by),
            "acked_from": rfc3339(self.acked_from) if self.acked_from else None,
            "acked_to": rfc3339(self.acked_to) if self.acked_to else None,
        }


@dataclass(frozen=True, slots=True)
class Sequences:
    """Consecutive sequences of a channel, with which the same thing is the matter."""

    channel: str
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many they are."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.channel} sequence {_range(self.first, self.last)}"

    def document(self) -> dict[str, Any]:
        """As the verdict's JSON shows them."""
        return asdict(self)


def _range(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first} to {last}"


@dataclass(frozen=True, slots=True)
class FeltOutage:
    """A time in which something was published and nothing acknowledged."""

    publisher: int | None
    """Whose view it is; None: that of all together."""
    fault: str | None
    """The fault that hit in it, by name; None when no fault explains it."""
    last_ack: datetime | None
    began: datetime
    """When the fault hit; where nothing was acknowledged before that already, when that began."""
    first_ack: datetime | None
    """The first ack afterwards; None: none came before the load ended."""
    ended: datetime
    """That moment, or the end of what was seen."""

    @property
    def ms(self) -> float:
        """How long it was, at least, in milliseconds."""
        return round((self.ended - self.began).total_seconds() * 1e3, 3)


@dataclass(frozen=True, slots=True)
class Second:
    """What happened within one second of the drill."""

    second: int
    """Since the drill's start."""
    acked: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What a ledger says. Numbers count messages unless they say otherwise."""

    header: Header
    published: int = 0
    acked: int = 0
    refused: int = 0
    """Published, and the server said no."""
    unknown: int = 0
    """Published, never acknowledged and never refused: stored or not."""
    delivered: int = 0
    """Deliveries, of whatever kind, the audit's not counted."""
    lost: int = 0
    """Acknowledged, and some audience never had them."""
    undelivered: int = 0
    """Those of the lost that nobody ever had; the rest only some had."""
    lost_messages: tuple[Messages, ...] = ()
    """Which are lost; the first `LISTED` runs of them."""
    pending: int = 0
    """Acknowledged and not delivered when the ledger ends, where deliveries had no time to come."""
    redelivered: int = 0
    """Deliveries to an audience that had the message, said by the server to be redeliveries."""
    repeated: int = 0
    """Likewise without that flag, after a failover or a broken connection: the server may do that."""
    unflagged: int = 0
    """Likewise without that flag, and nothing had happened that explains it."""
    stored_twice: int = 0
    """Likewise under another sequence: the publisher sent them again, in doubt about the first."""
    reordered: int = 0
    """First deliveries of a message behind a later one of its publisher."""
    unexpected: int = 0
    """Deliveries of what was never published."""
    wrong: int = 0
    """Deliveries of something that is no message of the drill: damaged, or somebody else's."""
    gaps: int = 0
    """Sequences between others that nobody was ever given."""
    gap_sequences: tuple[Sequences, ...] = ()
    """The first `LISTED` runs of them."""
    forked: int = 0
    """Sequences under which two messages were delivered: two actives wrote, or the store was exchanged."""
    forked_sequences: tuple[Sequences, ...] = ()
    """The first `LISTED` runs of them."""
    outages: tuple[FeltOutage, ...] = ()
    """As all publishers together saw them, and each for itself, in the order of their beginning."""
    failovers: tuple[Mapping[str, Any], ...] = ()
    """Those that were noted, as `Failover.document` has them."""
    faults: int = 0
    """Faults that were noted, each once."""
    rates: tuple[Second, ...] = ()
    notes: tuple[Note, ...] = ()
    ended: datetime | None = None
    """The time of the last entry."""
    drained: bool = False
    """Whether subscribers had the time to get everything: only then what is missing is lost for sure."""
    torn: str | None = None
    """Why the ledger ends before its end, if it does."""

    @property
    def duplicated(self) -> int:
        """Deliveries to an audience that had the message already, whatever explains them."""
        return self.redelivered + self.repeated + self.unflagged + self.stored_twice
