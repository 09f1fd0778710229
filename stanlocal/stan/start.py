"""Start positions of a new subscription.

A position counts only when the subscription is new to the server: a durable that exists resumes
where it was, and a member that joins a queue group takes part from where the group is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from stanlocal.stan.errors import InvalidOption

_MAX_SEQUENCE = 2**64 - 1


@dataclass(frozen=True, slots=True)
class NewOnly:
    """Only messages stored after the server has the subscription. The default."""


@dataclass(frozen=True, slots=True)
class LastReceived:
    """The channel's last message, if it has one, then what follows."""


@dataclass(frozen=True, slots=True)
class DeliverAll:
    """The oldest message the channel still has, then all that follow."""


@dataclass(frozen=True, slots=True)
class StartSequence:
    """The given sequence, then what follows: below the first (and 0) means all, beyond the last new only."""

    sequence: int

    def __post_init__(self) -> None:
        if not 0 <= self.sequence <= _MAX_SEQUENCE:
            raise InvalidOption(f"start sequence {self.sequence} is out of range: use 0 to 2**64 - 1")


@dataclass(frozen=True, slots=True)
class StartTime:
    """The first message stored at that time or later; a future time means new only.

    A time without a zone is local time. The server compares it with its own clock by the distance
    from now, so a difference between the two clocks does not matter, but the time of the request (a
    millisecond or so) is added.
    """

    time: datetime


@dataclass(frozen=True, slots=True)
class StartTimeDelta:
    """The first message stored at most that long ago."""

    ago: timedelta

    def __post_init__(self) -> None:
        if self.ago < timedelta(0):
            raise InvalidOption(
                f"start time delta {self.ago} is negative: give how long ago, for example 5 minutes"
            )


_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = r"(\d+(?:\.\d+)?)(ms|s|m|h|d)"


def since(text: str) -> StartTime | StartTimeDelta:
    """Parse a time (RFC 3339; without a zone local time) or a time ago (`90s`, `1h30m`).

    Raises `InvalidOption` for any other text.
    """
    if re.fullmatch(f"(?:{_PART})+", text, re.ASCII):
        parts = re.findall(_PART, text)
        try:
            return StartTimeDelta(timedelta(seconds=sum(float(n) * _SECONDS[unit] for n, unit in parts)))
        except OverflowError:
            raise InvalidOption(f"{text!r} is too long ago: give at most some thousand years") from None
    try:
        return StartTime(datetime.fromisoformat(text))
    except ValueError:
        raise InvalidOption(f"{text!r}: give a time like 2026-01-31T12:00:00Z, or 90s, 5m, 2h") from None


NEW_ONLY = NewOnly()

StartPosition = NewOnly | LastReceived | DeliverAll | StartSequence | StartTime | StartTimeDelta
