"""The counters of a load, told of every event and asked a few times a second."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from stanlocal.drill.analysis.missing import Missing, key
from stanlocal.outages.silence import SilenceMeter

_SPAN_S = 1.0


@dataclass(frozen=True, slots=True)
class LoadStats:
    """What a load has come to; rates are per second, over the last second, outages in seconds."""

    published: int = 0
    acked: int = 0
    failed: int = 0
    """Refused, or given up without an answer."""
    delivered: int = 0
    ack_rate: float = 0.0
    delivery_rate: float = 0.0
    outage: float = 0.0
    """For how long now something is published and nothing acknowledged; 0 while acks come."""
    worst_outage: float = 0.0
    missing: int = 0
    """Deliveries that are still to come: of what is acknowledged, to everyone who has to get it."""


class Meter:
    """Counts; `published` and its answers come in the order of time (ns since 1970)."""

    def __init__(self, audiences: int) -> None:
        self.missing = Missing(audiences)
        self._acked = 0
        self._delivered = 0
        self._published = 0
        self._failed = 0
        self._silences = SilenceMeter()
        self._worst = 0
        self._samples: deque[tuple[float, int, int]] = deque()

    def published(self, publisher: int, number: int, now: int) -> None:
        """A message is about to go out."""
        self._published += 1
        self._silences.published(now)
        self.missing.published(key(publisher, number))

    def acked(self, publisher: int, number: int, now: int) -> None:
        """It is acknowledged."""
        self._acked += 1
        self.missing.acked(key(publisher, number))
        silence = self._silences.acked(now)
        if silence is not None:
            self._worst = max(self._worst, silence.ended - silence.began)

    def failed(self, publisher: int, number: int, now: int) -> None:
        """It was refused, or given up."""
        self._failed += 1
        self._silences.failed(now)
        self.missing.given_up(key(publisher, number))

    def delivered(self, audience: int, publisher: int, number: int) -> None:
        """Somebody got it."""
        self._delivered += 1
        self.missing.delivered(audience, key(publisher, number))

    def sample(self) -> None:
        """To be called some times a second, for the rates."""
        now = time.monotonic()
        self._samples.append((now, self._acked, self._delivered))
        while now - self._samples[0][0] > _SPAN_S:
            self._samples.popleft()

    def stats(self) -> LoadStats:
        """All of it, now."""
        silence = self._silences.now(time.time_ns())
        outage = silence.ended - silence.began if silence else 0
        ack_rate, delivery_rate = self._rates()
        return LoadStats(
            published=self._published,
            acked=self._acked,
            failed=self._failed,
            delivered=self._delivered,
            ack_rate=ack_rate,
            delivery_rate=delivery_rate,
            outage=outage / 1e9,
            worst_outage=max(self._worst, outage) / 1e9,
            missing=len(self.missing),
        )

    def _rates(self) -> tuple[float, float]:
        if len(self._samples) < 2:
            return 0.0, 0.0
        (first, *then), (last, *now) = self._samples[0], self._samples[-1]
        acked, delivered = ((new - old) / (last - first) for old, new in zip(then, now, strict=True))
        return round(acked, 1), round(delivered, 1)
