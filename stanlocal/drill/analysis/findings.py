"""The findings of a ledger's check, before they are judged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from stanlocal.drill.ledger.entries import Header, Note
from stanlocal.util.timestamps import rfc3339

LISTED = 1_000
"""Number of runs of messages or sequences that are listed; all are counted."""


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages of one publisher with consecutive numbers and the same finding."""

    channel: str
    publisher: int
    first: int
    last: int
    missing_at: tuple[str, ...] = ()
    """Names of the audiences that lack them; `audit` is the store at the end."""
    had_by: tuple[str, ...] = ()
    """Names of the audiences that had them."""
    acked_from: datetime | None = None
    """Time of the first ack of them; `acked_to` is that of the last."""
    acked_to: datetime | None = None

    @property
    def count(self) -> int:
        """Number of them."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.channel} publisher {self.publisher} number {_range(self.first, self.last)}"

    def document(self) -> dict[str, Any]:
        """Return them as the verdict's JSON shows them."""
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
    """Consecutive sequences of a channel with the same finding."""

    channel: str
    first: int
    last: int

    @property
    def count(self) -> int:
        """Number of them."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.channel} sequence {_range(self.first, self.last)}"

    def document(self) -> dict[str, Any]:
        """Return them as the verdict's JSON shows them."""
        return asdict(self)


def _range(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first} to {last}"


@dataclass(frozen=True, slots=True)
class FeltOutage:
    """A time in which something was published and nothing acknowledged."""

    publisher: int | None
    """Index of the publisher that saw it; None for all together."""
    fault: str | None
    """Name of the fault that explains it; None where no fault does."""
    last_ack: datetime | None
    """Time of the last ack before; None where there was none."""
    began: datetime
    """Time of the fault; where acks had stopped before it, the time at which they stopped."""
    first_ack: datetime | None
    """Time of the first ack afterwards; None where none came before the load ended."""
    ended: datetime
    """Time of that ack, or the end of the observation."""

    @property
    def ms(self) -> float:
        """Length in milliseconds; a lower bound where no ack ended it."""
        return round((self.ended - self.began).total_seconds() * 1e3, 3)


@dataclass(frozen=True, slots=True)
class Second:
    """Counts of one second of the drill."""

    second: int
    """Seconds since the drill's start."""
    acked: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Findings:
    """Findings of a ledger. Numbers count messages unless they say otherwise."""

    header: Header
    published: int = 0
    acked: int = 0
    refused: int = 0
    """Published messages that the server refused."""
    unknown: int = 0
    """Published messages that were never answered: stored or not."""
    delivered: int = 0
    """Deliveries of all kinds, except the audit's."""
    lost: int = 0
    """Acknowledged messages that some audience never had."""
    undelivered: int = 0
    """Lost messages that no audience had; the others were had by some."""
    lost_messages: tuple[Messages, ...] = ()
    """The lost messages; the first `LISTED` runs of them."""
    pending: int = 0
    """Acknowledged messages without delivery at the end of a ledger that was not drained."""
    redelivered: int = 0
    """Deliveries to an audience that had the message, flagged by the server as redeliveries."""
    repeated: int = 0
    """Repeated deliveries without that flag, allowed after a failover or a broken connection."""
    unflagged: int = 0
    """Repeated deliveries without that flag that nothing explains."""
    stored_twice: int = 0
    """Repeated deliveries under another sequence: the publisher, unsure of the first, sent them again."""
    reordered: int = 0
    """First deliveries of a message behind a later one of its publisher."""
    unexpected: int = 0
    """Deliveries of messages that were never published."""
    wrong: int = 0
    """Deliveries of damaged messages, or of ones that are not the drill's."""
    gaps: int = 0
    """Sequences between others that were never delivered."""
    gap_sequences: tuple[Sequences, ...] = ()
    """The first `LISTED` runs of them."""
    forked: int = 0
    """Sequences under which two messages were delivered: two actives wrote, or the store was exchanged."""
    forked_sequences: tuple[Sequences, ...] = ()
    """The first `LISTED` runs of them."""
    outages: tuple[FeltOutage, ...] = ()
    """Outages as all publishers together saw them, and each by itself, in the order of their start."""
    failovers: tuple[Mapping[str, Any], ...] = ()
    """Recorded failovers, as `Failover.document` has them."""
    faults: int = 0
    """Number of recorded faults, each once."""
    rates: tuple[Second, ...] = ()
    notes: tuple[Note, ...] = ()
    ended: datetime | None = None
    """The time of the last entry."""
    drained: bool = False
    """Whether subscribers had time to receive everything; only then is a missing message known to be lost."""
    torn: str | None = None
    """Reason why the ledger ends early; None where it is complete."""

    @property
    def duplicated(self) -> int:
        """Deliveries to an audience that had the message already."""
        return self.redelivered + self.repeated + self.unflagged + self.stored_twice
