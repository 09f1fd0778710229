"""What the sequences of deliveries say: which were given to nobody, and which to two messages. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise

from stanlocal.drill.ledger.stream import Stream


def gaps(streams: Iterable[Stream], strange: Collection[int]) -> list[tuple[int, int]]:
    """Of one channel: the first and last sequence of each stretch that lies between others and that nobody
    was ever given."""
    given = sorted({*_given(streams), *strange})
    return [(one + 1, other - 1) for one, other in pairwise(given) if other - one > 1]


def forked(streams: Iterable[Stream]) -> list[int]:
    """Of one channel: the sequences under which more than one message was delivered, in order."""
    return sorted({one for one, other in pairwise(sorted(_given(streams))) if one == other})


def _given(streams: Iterable[Stream]) -> list[int]:
    """The sequences of all messages, each as often as there are messages that had it."""
    given: list[int] = []
    for stream in streams:
        given.extend(filter(None, stream.sequence))
        for others in stream.others.values():
            given.extend(others)
    return given
