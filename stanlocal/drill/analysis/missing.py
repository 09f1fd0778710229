"""Acknowledged messages that are not yet delivered to all, while a load runs. Pure.

Only messages in flight are kept, so the memory does not grow with the length of the load.
"""

from __future__ import annotations


def key(publisher: int, number: int) -> int:
    """Return one number for a publisher's message."""
    return publisher << 32 | number


class Missing:
    """Counter of missing deliveries, by the messages' `key`; a delivery mostly comes before the ack."""

    __slots__ = ("_early", "_open", "_waiting")

    def __init__(self, audiences: int) -> None:
        self._open: set[int] = set()
        """Published messages without an answer."""
        self._early: list[set[int]] = [set() for _ in range(audiences)]
        """Unanswered messages that each audience has."""
        self._waiting: list[set[int]] = [set() for _ in range(audiences)]
        """Acknowledged messages that each audience lacks."""

    def __len__(self) -> int:
        return sum(map(len, self._waiting))

    def published(self, message: int) -> None:
        """Note a message that waits for its answer."""
        self._open.add(message)

    def acked(self, message: int) -> None:
        """Note an ack: every audience has to get it."""
        self._open.discard(message)
        for early, waiting in zip(self._early, self._waiting, strict=True):
            if message in early:
                early.discard(message)
            else:
                waiting.add(message)

    def given_up(self, message: int) -> None:
        """Note that the message is refused or given up: no audience has to get it."""
        self._open.discard(message)
        for early in self._early:
            early.discard(message)

    def delivered(self, audience: int, message: int) -> None:
        """Note a delivery to the audience, perhaps a repeated one."""
        if message in self._open:
            self._early[audience].add(message)
        else:
            self._waiting[audience].discard(message)
