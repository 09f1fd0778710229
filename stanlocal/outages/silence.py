"""When something was published and nothing acknowledged for longer than a slow disk takes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from stanlocal.outages.probe import TOLERANCE_S

TOLERANCE_NS = int(TOLERANCE_S * 1e9)
"""A silence that is no longer is none."""


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence; times in nanoseconds since 1970."""

    last_ack: int | None
    """The ack before it; None: there was none."""
    began: int
    """When the wait for an ack began: with that ack, or with the first publish after it."""
    ended: int
    """The ack that ended it, or the end of what was seen."""
    acked: bool
    """Which of the two."""


class SilenceMeter:
    """Finds the silences in publishes and their answers, told in the order of time.

    A refusal does not end a silence: it is an answer, but no service.
    """

    __slots__ = ("_failed", "_last_ack", "_since", "_waiting")

    def __init__(self) -> None:
        self._waiting = 0
        self._failed = 0
        """The latest refusal since the last ack; 0: none."""
        self._since = 0
        self._last_ack: int | None = None

    def published(self, now: int) -> None:
        """One more message waits for its answer."""
        if not self._waiting and not self._failed:
            self._since = now
        self._waiting += 1

    def acked(self, now: int) -> Silence | None:
        """One was acknowledged; the silence that this ends."""
        began, last = self._since, self._last_ack
        self._waiting -= 1
        self._failed = 0
        self._since = self._last_ack = now
        return Silence(last, began, now, True) if now - began > TOLERANCE_NS else None

    def failed(self, now: int) -> None:
        """One was refused, or given up."""
        self._waiting -= 1
        self._failed = now

    def now(self, now: int) -> Silence | None:
        """The silence that lasts at that moment; where nothing waits, until the last refusal."""
        ended = now if self._waiting else self._failed
        return (
            Silence(self._last_ack, self._since, ended, False) if ended - self._since > TOLERANCE_NS else None
        )
