"""Sequences that were never delivered, or delivered with two messages. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise

from stanlocal.drill.ledger.stream import Stream


def gaps(streams: Iterable[Stream], strange: Collection[int]) -> list[tuple[int, int]]:
    """Return the first and last sequence of each stretch of one channel that was never delivered."""
    given = sorted({*_given(streams), *strange})
    return [(one + 1, other - 1) for one, other in pairwise(given) if other - one > 1]


def forked(streams: Iterable[Stream]) -> list[int]:
    """Return the sequences of one channel that delivered more than one message, in order."""
    return sorted({one for one, other in pairwise(sorted(_given(streams))) if one == other})


def _given(streams: Iterable[Stream]) -> list[int]:
    """Return the sequences of all messages, each once for every message that had it."""
    given: list[int] = []
    for stream in streams:
        given.extend(filter(None, stream.sequence))
        for others in stream.others.values():
            given.extend(others)
    return given
