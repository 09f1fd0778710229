"""The counters of a load, updated with every event and read a few times a second."""

from __future__ import annotations

import time
from dataclasses import dataclass

from stanlocal.drill.analysis.missing import Missing, key
from stanlocal.outages.rate_meter import RateMeter
from stanlocal.outages.silence import SilenceMeter

_WINDOW_S = 1.0


@dataclass(frozen=True, slots=True)
class LoadStats:
    """The state of a load; rates are per second, over the last second, outages in seconds."""

    published: int = 0
    acked: int = 0
    failed: int = 0
    """Messages that were refused, or given up without an answer."""
    delivered: int = 0
    ack_rate: float = 0.0
    delivery_rate: float = 0.0
    outage: float = 0.0
    """Length of the outage that lasts now; 0 while acks come."""
    worst_outage: float = 0.0
    missing: int = 0
    """Deliveries of acknowledged messages that have not arrived yet."""


class LoadMeter:
    """Counter of events; `published` and its answers are reported in the order of time (ns since 1970)."""

    def __init__(self, audiences: int) -> None:
        self.missing = Missing(audiences)
        self._acked = 0
        self._delivered = 0
        self._published = 0
        self._failed = 0
        self._silences = SilenceMeter()
        self._worst = 0.0
        self._acks = RateMeter(_WINDOW_S)
        self._deliveries = RateMeter(_WINDOW_S)
        self._rates = (0.0, 0.0)

    def published(self, publisher: int, number: int, now: int) -> None:
        """Count a message that is about to be sent."""
        self._published += 1
        self._silences.published(now)
        self.missing.published(key(publisher, number))

    def acked(self, publisher: int, number: int, now: int) -> None:
        """Count its ack."""
        self._acked += 1
        self.missing.acked(key(publisher, number))
        silence = self._silences.acked(now)
        if silence is not None:
            self._worst = max(self._worst, silence.seconds)

    def failed(self, publisher: int, number: int, now: int) -> None:
        """Count a refusal, or that it was given up."""
        self._failed += 1
        self._silences.failed(now)
        self.missing.given_up(key(publisher, number))

    def delivered(self, audience: int, publisher: int, number: int) -> None:
        """Count a delivery to the audience."""
        self._delivered += 1
        self.missing.delivered(audience, key(publisher, number))

    def sample(self) -> None:
        """Update the rates; to be called several times a second."""
        now = time.monotonic()
        acks, deliveries = self._acks.rate(now, self._acked), self._deliveries.rate(now, self._delivered)
        self._rates = (round(acks, 1), round(deliveries, 1))

    def stats(self) -> LoadStats:
        """Return the current state."""
        silence = self._silences.now(time.time_ns())
        outage = silence.seconds if silence else 0.0
        ack_rate, delivery_rate = self._rates
        return LoadStats(
            published=self._published,
            acked=self._acked,
            failed=self._failed,
            delivered=self._delivered,
            ack_rate=ack_rate,
            delivery_rate=delivery_rate,
            outage=outage,
            worst_outage=max(self._worst, outage),
            missing=len(self.missing),
        )
