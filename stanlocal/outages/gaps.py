"""How long a client went without what it waited for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from stanlocal.history.occurrences import Outage
from stanlocal.outages.probe import TOLERANCE_S

Side = Literal["pub", "sub"]


@dataclass(frozen=True, slots=True)
class Gap:
    """One such time."""

    side: Side
    channel: str
    outage: Outage
    """Of a subscriber the last and the next message, instead of acks."""

    @property
    def ms(self) -> float:
        return (self.outage.first_ack - self.outage.last_ack) / timedelta(milliseconds=1)


class Wait:
    """Measures from when something is due until it comes; `now` is UTC throughout."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._lost: datetime | None = None

    def expect(self, now: datetime) -> None:
        """Something is due; nothing changes where something is already."""
        if self._since is None:
            self._since = now

    def disconnected(self, now: datetime) -> None:
        """The client's connection is gone; counts while something is due."""
        if self._since is not None and self._lost is None:
            self._lost = now

    def came(self, now: datetime, *, more_due: bool) -> Outage | None:
        """Something came: the outage that it ends, if it took longer than `probe.TOLERANCE_S`."""
        since, lost = self._since, self._lost
        self._since, self._lost = (now if more_due else None), None
        if since is None or now - since <= timedelta(seconds=TOLERANCE_S):
            return None
        return Outage(since, lost, now)

    def seconds(self, now: datetime) -> float:
        """For how long something has been due; 0 within the tolerance."""
        waited = (now - self._since).total_seconds() if self._since is not None else 0.0
        return waited if waited > TOLERANCE_S else 0.0
