"""Failovers, timed phase by phase from what the servers themselves wrote.

A failover is an observed transition: one node served, something happened to it, another became ready.
The phases are consecutive, so that they add up to the outage:

========== ============================== ==========================================================
detected   fault to                       the next node's NATS server loses its route to the old one
lock       to                             `Server is active`: it has the store lock
recovering to                             `Recovered …`: it has read the store
ready      to                             `Streaming Server is ready`
first_ack  to                             the first publish acknowledged, as a client saw it
========== ============================== ==========================================================

A phase that nobody saw is None, and the next one counts from the last moment that was seen. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from stanlocal.history.journal import from_rfc3339, rfc3339
from stanlocal.history.occurrences import Ended, Healed, Hit, Logged, Moment, Outage
from stanlocal.logs import events as ev

PHASES = ("detected", "lock", "recovering", "ready", "first_ack")

_SKEW = timedelta(milliseconds=50)
"""How much the engine's record of an end may lag behind what the other node noticed of it."""


@dataclass(frozen=True, slots=True)
class Failover:
    """One transition. Times are UTC; `None` where it was not seen."""

    cause: str
    """The fault's name, or what is known of an end that no fault explains."""
    from_node: str
    to_node: str
    started_at: datetime
    """When the fault hit: the end of the process, or the engine's confirmation."""
    detected_at: datetime | None
    lock_at: datetime | None
    recovered_at: datetime | None
    ready_at: datetime
    recovery_began_at: datetime | None = None
    last_ack_at: datetime | None = None
    """The last publish that was acknowledged before, as a client saw it."""
    lost_at: datetime | None = None
    """When that client's connection broke; None also when it was connected to another node."""
    first_ack_at: datetime | None = None
    """The first publish that was acknowledged afterwards, as that client saw it."""

    @property
    def phases_ms(self) -> dict[str, float | None]:
        """Consecutive durations in milliseconds, by the names in `PHASES`."""
        moments = (self.detected_at, self.lock_at, self.recovered_at, self.ready_at, self.first_ack_at)
        last, phases = self.started_at, dict[str, float | None]()
        for phase, moment in zip(PHASES, moments, strict=True):
            if moment is None:
                phases[phase] = None
                continue
            moment = max(moment, last)  # clocks of two processes: never a negative duration
            phases[phase] = _milliseconds(moment - last)
            last = moment
        return phases

    @property
    def outage_ms(self) -> float | None:
        """From the fault to the first acknowledged publish; None without a client's view."""
        return _milliseconds(self.first_ack_at - self.started_at) if self.first_ack_at else None

    @property
    def server_ms(self) -> float:
        """From the fault to the next node's being ready."""
        return _milliseconds(self.ready_at - self.started_at)

    @property
    def moments(self) -> dict[str, str | None]:
        """Everything that was seen of it, in the order in which it is bound to happen."""
        seen = {
            "last_ack": self.last_ack_at,
            "fault": self.started_at,
            "connection_lost": self.lost_at,
            "detected": self.detected_at,
            "lock": self.lock_at,
            "recovery_began": self.recovery_began_at,
            "recovery_ended": self.recovered_at,
            "ready": self.ready_at,
            "first_ack": self.first_ack_at,
        }
        return {name: rfc3339(time) if time else None for name, time in seen.items()}

    def document(self) -> dict[str, Any]:
        """As the contract shows it."""
        return {
            "cause": self.cause,
            "from": self.from_node,
            "to": self.to_node,
            "started_at": rfc3339(self.started_at),
            "phases_ms": self.phases_ms,
            "outage_ms": self.outage_ms,
            "moments": self.moments,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Failover:
        """The failover that `document` tells of.

        Raises `KeyError`, `TypeError`, `ValueError` or `AttributeError` when it tells of none.
        """
        moments = {name: from_rfc3339(stamp) for name, stamp in document["moments"].items() if stamp}
        return cls(
            cause=str(document["cause"]),
            from_node=str(document["from"]),
            to_node=str(document["to"]),
            started_at=moments["fault"],
            detected_at=moments.get("detected"),
            lock_at=moments.get("lock"),
            recovered_at=moments.get("recovery_ended"),
            ready_at=moments["ready"],
            recovery_began_at=moments.get("recovery_began"),
            last_ack_at=moments.get("last_ack"),
            lost_at=moments.get("connection_lost"),
            first_ack_at=moments.get("first_ack"),
        )


def _milliseconds(duration: timedelta) -> float:
    return round(duration / timedelta(milliseconds=1), 3)


class FailoverTracker:
    """Finds the failovers in moments that come one by one, in the order of time."""

    def __init__(self) -> None:
        self._served: str | None = None
        self._ready_at: datetime | None = None
        """When a node was last ready."""
        self._since: list[Moment] = []
        """All that happened since a node was last ready."""

    def observe(self, moment: Moment) -> Failover | None:
        """The failover that this moment completes."""
        if moment.node is None:
            return None
        if not _logged(moment, ev.StreamingReady):
            self._served = self._on_record(moment) or self._served
            self._since.append(moment)
            return None
        old, since = self._served, self._since
        self._served, self._ready_at, self._since = moment.node, moment.time, []
        if old is None or old == moment.node:
            return None
        return _failover(old, moment.node, since, moment.time)

    def _on_record(self, moment: Moment) -> str | None:
        """Who served when a fault was about to be injected: its line may not be kept. None: no news."""
        if not isinstance(moment.what, Hit):
            return None
        fault = moment.what.fault
        newer = self._ready_at is None or fault.since > self._ready_at
        return fault.notes.get("active") if newer else None


def find(moments: Iterable[Moment]) -> list[Failover]:
    """The failovers among moments in the order of time."""
    tracker = FailoverTracker()
    found: list[Failover] = []
    outages: list[Outage] = []
    for moment in moments:
        if failover := tracker.observe(moment):
            found.append(failover)
        elif isinstance(moment.what, Outage):
            outages.append(moment.what)
    for outage in outages:
        bridged = [index for index, failover in enumerate(found) if bridges(outage, failover)]
        if bridged:  # of several failovers within one outage the last one ended it
            found[bridged[-1]] = _seen_by_client(found[bridged[-1]], outage)
    return found


def _seen_by_client(failover: Failover, outage: Outage) -> Failover:
    """The failover with what a client saw of it; unchanged when one saw it before."""
    if failover.first_ack_at is not None:
        return failover
    first_ack = max(outage.first_ack, failover.ready_at)
    return replace(failover, last_ack_at=outage.last_ack, lost_at=outage.lost, first_ack_at=first_ack)


def bridges(outage: Outage, failover: Failover) -> bool:
    """Whether the client that saw the outage was still waiting when the next node took over.

    A busy server may acknowledge before it writes that it is ready, but not before it has the lock.
    """
    takes_over = min(failover.lock_at or failover.ready_at, failover.ready_at - _SKEW)
    return outage.last_ack <= failover.ready_at and outage.first_ack >= takes_over


def _logged(moment: Moment, *kinds: type[ev.LogEvent]) -> bool:
    return isinstance(moment.what, Logged) and isinstance(moment.what.event, kinds)


def _failover(from_node: str, to_node: str, since: Sequence[Moment], ready_at: datetime) -> Failover:
    old = [moment for moment in since if moment.node == from_node]
    new = [moment for moment in since if moment.node == to_node]
    started, cause = _start(old)
    lock = _last(new, ev.LockTaken)
    lost = [moment.time for moment in new if _route_lost(moment)]
    if started is None:
        started = min((time for time in (*lost, lock) if time), default=ready_at)
    detected = next(
        (time for time in lost if time >= started - _SKEW and (lock is None or time <= lock)), None
    )
    if detected is not None:
        started = min(started, detected)  # nobody notices an end before it is one: the record of it is late
    return Failover(
        cause=cause,
        from_node=from_node,
        to_node=to_node,
        started_at=started,
        detected_at=detected,
        lock_at=lock,
        recovered_at=_last(new, ev.RecoveryEnded),
        ready_at=ready_at,
        recovery_began_at=_last(new, ev.RecoveryStarted),
    )


def _start(moments: Sequence[Moment]) -> tuple[datetime | None, str]:
    """When the old node's service ended, and why."""
    healed = {moment.what.fault.id for moment in moments if isinstance(moment.what, Healed)}
    hits = [
        (moment.time, moment.what.fault.name)
        for moment in moments
        if isinstance(moment.what, Hit) and (moment.what.fault.ends_run or moment.what.fault.id not in healed)
    ]
    ends = [(moment.time, moment.what) for moment in moments if isinstance(moment.what, Ended)]
    if ends:
        time, end = ends[-1]
        named = next((name for hit, name in reversed(hits) if hit <= time), None)
        return time, named or (f"exit {end.exit_code}" if end.exit_code is not None else "unknown")
    if hits:
        return hits[-1]
    return _last(moments, ev.ShuttingDown, ev.Boot), "unknown"


def _last(moments: Sequence[Moment], *kinds: type[ev.LogEvent]) -> datetime | None:
    return next((moment.time for moment in reversed(moments) if _logged(moment, *kinds)), None)


def _route_lost(moment: Moment) -> bool:
    event = moment.what.event if isinstance(moment.what, Logged) else None
    return isinstance(event, ev.RouteDown) and event.reason != "Duplicate Route"


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    rank = math.ceil(len(ordered) * share / 100)
    return ordered[max(rank, 1) - 1]


def document(failovers: Sequence[Failover]) -> dict[str, Any]:
    """The list with the percentiles of what clients felt, as the contract shows it."""
    outages = [failover.outage_ms for failover in failovers if failover.outage_ms is not None]
    return {
        "failovers": [failover.document() for failover in failovers],
        "p50_ms": percentile(outages, 50),
        "p95_ms": percentile(outages, 95),
        "max_ms": max(outages, default=None),
    }
