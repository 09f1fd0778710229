"""An outage as one publisher or subscriber of a channel observed it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from stanlocal.history.occurrences import Outage

Side = Literal["pub", "sub"]


@dataclass(frozen=True, slots=True)
class Gap:
    """One outage of one client."""

    side: Side
    channel: str
    outage: Outage
    """Its times; for a subscriber those of the last and the next message, instead of acks."""

    @property
    def ms(self) -> float:
        """Length in milliseconds."""
        return (self.outage.first_ack - self.outage.last_ack) / timedelta(milliseconds=1)
