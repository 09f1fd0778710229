"""Text in rows of lists: on one line, with the local time of day."""

from __future__ import annotations

from datetime import datetime

from stanlocal.util.printable import printable

_LONGEST = 4_000
"""Limit of characters in a shown line, as output is not trusted."""


def one_line(text: str) -> str:
    """Return the text on one line, escaped, and cut if it is very long."""
    return printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …")


def clock(time: datetime) -> str:
    """Return the local time of day, to the millisecond."""
    return time.astimezone().strftime("%H:%M:%S.%f")[:-3]
