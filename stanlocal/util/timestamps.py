"""Timestamps: RFC 3339, as JSON documents and journals hold them, and nanoseconds since 1970. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(time: datetime) -> str:
    """Return a time in UTC as RFC 3339, with microseconds and `Z`."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_rfc3339(stamp: str) -> datetime:
    """Return the time that `rfc3339` wrote; raises `ValueError` for anything else, or without a zone."""
    time = datetime.fromisoformat(stamp)
    if time.tzinfo is None:
        raise ValueError(f"{stamp} has no time zone")
    return time


def from_ns(time: int) -> datetime:
    """Return a time in nanoseconds since 1970 as a datetime in UTC."""
    return datetime.fromtimestamp(time / 1e9, UTC)


def rfc3339_ns(time: int) -> str:
    """Return a time in nanoseconds since 1970 as RFC 3339 with all of them, as Go writes it."""
    seconds, rest = divmod(time, 10**9)
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:09d}Z"


def from_rfc3339_ns(stamp: str) -> int:
    """Return the nanoseconds since 1970 of a time in UTC as Go writes it, without zeros at its end."""
    whole, _, fraction = stamp.removesuffix("Z").partition(".")
    seconds = (datetime.fromisoformat(f"{whole}+00:00") - _EPOCH) // timedelta(seconds=1)
    return seconds * 10**9 + int(fraction.ljust(9, "0"))
