"""The one meter of outages: times during which an expected ack or message did not arrive. Pure.

What is expected is the ack of a publish, or a subscriber's next message. Times are nanoseconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass

from stanlocal.history.occurrences import Outage
from stanlocal.util.timestamps import from_ns

TOLERANCE_S = 0.1
"""Longest wait for an ack that is no outage: several times the delay of a slow disk, and a third of the
fastest failover."""
TOLERANCE_NS = int(TOLERANCE_S * 1e9)


@dataclass(frozen=True, slots=True)
class Silence:
    """One span of time without an expected ack; times in nanoseconds since 1970."""

    last_ack: int | None
    """Time of the ack before it; None where there was none."""
    began: int
    """Start of the wait: the last ack, or the first publish after it."""
    ended: int
    """Time of the ack that ended it, or of the end of the observation."""
    acked: bool
    """Whether an ack ended it."""
    lost: int | None = None
    """Time at which the client's connection broke; None where it did not, or was not watched."""
    served: int = 0
    """Time at which the newest of the messages acknowledged before it was sent; 0 where that is unknown.

    An ack can be handled late, but the server served after that time."""
    sent: int = 0
    """Time at which the message whose ack ended it was sent; 0 where that is unknown, or no ack did."""

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.ended - self.began) / 1e9

    def outage(self) -> Outage:
        """Return it as an outage from the start of the wait."""
        lost = from_ns(self.lost) if self.lost is not None else None
        return Outage(from_ns(self.began), lost, from_ns(self.ended))


class SilenceMeter:
    """Meter of silences, from publishes and their answers, which are reported in the order of time.

    A refusal does not end a silence: the server answered, but did not serve.
    """

    __slots__ = ("_failed", "_last_ack", "_lost", "_served", "_since", "_waiting")

    def __init__(self) -> None:
        self._waiting = 0
        self._failed = 0
        """Time of the latest refusal since the last ack; 0 for none."""
        self._since = 0
        self._last_ack: int | None = None
        self._lost: int | None = None
        self._served = 0

    def published(self, now: int) -> None:
        """Count one more message that waits for its answer."""
        if not self._waiting and not self._failed:
            self._since = now
        self._waiting += 1

    def acked(self, now: int, sent: int = 0) -> Silence | None:
        """Count an ack of a message sent at that time, if known; return the silence that it ends, if any."""
        silence, began = None, self._since
        if now - began > TOLERANCE_NS:
            silence = Silence(self._last_ack, began, now, True, self._lost, self._served, sent)
        self._waiting -= 1
        self._failed = 0
        self._since = self._last_ack = now
        self._lost = None
        if sent > self._served:
            self._served = sent
        return silence

    def failed(self, now: int) -> None:
        """Count a message that was refused, or given up."""
        self._waiting -= 1
        self._failed = now

    def disconnected(self, now: int) -> None:
        """Record that the client's connection is lost; the first time counts, while an ack is due."""
        if self._lost is None and (self._waiting or self._failed):
            self._lost = now

    def now(self, now: int) -> Silence | None:
        """Return the silence that still lasts; where no message waits, it lasts until the last refusal."""
        ended = now if self._waiting else self._failed
        if ended - self._since <= TOLERANCE_NS:
            return None
        return Silence(self._last_ack, self._since, ended, False, self._lost, self._served)
