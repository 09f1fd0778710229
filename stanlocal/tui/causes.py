"""The cause of a gap that a client felt: a failover, or a fault that made no node take over. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from stanlocal.history.failovers import Failover, bridges
from stanlocal.history.occurrences import Outage
from stanlocal.history.timeline import Event

UNKNOWN = "no fault: the server or this machine was busy"
_KEPT = 500
_SLACK = timedelta(milliseconds=500)
"""Time by which a fault's record may be later than its effect, or a client's reconnection than its end."""


@dataclass(frozen=True, slots=True)
class _Span:
    fault: str
    """Name and targets of the fault."""
    since: datetime
    until: datetime | None

    def meets(self, outage: Outage) -> bool:
        return self.since - _SLACK <= outage.first_ack and (
            self.until is None or self.until + _SLACK >= outage.last_ack
        )


class Causes:
    """The newest faults and failovers of a group, among which the cause of a gap is looked up."""

    def __init__(self) -> None:
        self.failovers: Sequence[Failover] = ()
        """All known failovers, oldest first."""
        self._spans: dict[str, _Span] = {}

    def learn(self, events: Sequence[Event], *, replay: bool = False) -> None:
        """Take new events; with `replay` they replace all earlier ones."""
        if replay:
            self._spans.clear()
        for event in events:
            if event.type in ("fault", "heal"):
                self._learn(event)
        for key in [*self._spans][:-_KEPT]:
            del self._spans[key]

    def _learn(self, event: Event) -> None:
        key = str(event.detail["id"])
        known = self._spans.get(key)
        if event.type == "heal":
            if known is not None:
                self._spans[key] = replace(known, until=event.time)
        elif known is None:
            targets = " ".join(map(str, event.detail["targets"]))
            self._spans[key] = _Span(f"{event.detail['name']} {targets}", event.time, None)

    def of(self, outage: Outage) -> str:
        """Return the cause: the last failover or fault during the outage, in a few words."""
        through = [each for each in self.failovers if bridges(outage, each)]
        if through:
            return f"{through[-1].cause}: {through[-1].from_node} → {through[-1].to_node}"
        during = [span for span in self._spans.values() if span.meets(outage)]
        if during:
            return max(during, key=lambda span: span.since).fault
        return UNKNOWN
