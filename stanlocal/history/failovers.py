"""Failovers, timed phase by phase from the servers' own log lines.

A failover is an observed transition: one node served, something happened to it, another became ready.
The phases are consecutive, so that they add up to the outage:

========== ============================== ==========================================================
detected   fault to                       the next node's NATS server loses its route to the old one
lock       to                             `Server is active`: it has the store lock
recovering to                             `Recovered …`: it has read the store
ready      to                             `Streaming Server is ready`
first_ack  to                             the first publish acknowledged, as a client saw it
========== ============================== ==========================================================

A phase that was not seen is None, and the next one counts from the last time that was seen.

A group that was stopped as a whole and started again had no failover, whichever node serves then: after a
`down`, and after an end of all nodes that no fault explains, such as that of the machine. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from stanlocal.history.occurrences import Down, Ended, Healed, Hit, Logged, Occurrence, Outage
from stanlocal.logs import event_types as ev
from stanlocal.util.percentile import percentile
from stanlocal.util.timestamps import from_rfc3339, rfc3339

PHASES = ("detected", "lock", "recovering", "ready", "first_ack")

_SKEW = timedelta(milliseconds=50)
"""Lag of the engine's record of an end behind the other node's line about it."""


@dataclass(frozen=True, slots=True)
class Failover:
    """One transition. Times are UTC; None where they were not seen."""

    cause: str
    """The fault's name, or a description of an end that no fault explains."""
    from_node: str
    to_node: str
    started_at: datetime
    """Time of the fault: the end of the process, or the engine's confirmation."""
    detected_at: datetime | None
    lock_at: datetime | None
    recovered_at: datetime | None
    ready_at: datetime
    recovery_began_at: datetime | None = None
    last_ack_at: datetime | None = None
    """Last acknowledged publish before, as a client saw it."""
    lost_at: datetime | None = None
    """Time when that client's connection broke; None also when it was connected to another node."""
    first_ack_at: datetime | None = None
    """First acknowledged publish afterwards, as that client saw it."""

    @property
    def phases_ms(self) -> dict[str, float | None]:
        """Consecutive durations in ms, by the names in `PHASES`."""
        ends = (self.detected_at, self.lock_at, self.recovered_at, self.ready_at, self.first_ack_at)
        last, phases = self.started_at, dict[str, float | None]()
        for phase, end in zip(PHASES, ends, strict=True):
            if end is None:
                phases[phase] = None
                continue
            end = max(end, last)  # clocks of two processes: never a negative duration
            phases[phase] = _milliseconds(end - last)
            last = end
        return phases

    @property
    def outage_ms(self) -> float | None:
        """Duration in ms from the fault to the first acknowledged publish; None without a client's view."""
        return _milliseconds(self.first_ack_at - self.started_at) if self.first_ack_at else None

    @property
    def server_ms(self) -> float:
        """Duration in ms from the fault until the next node was ready."""
        return _milliseconds(self.ready_at - self.started_at)

    @property
    def moments(self) -> dict[str, str | None]:
        """All times that were seen (RFC 3339), in the order in which they must happen."""
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
        """Return the failover as the contract shows it."""
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
        """Return the failover that a document holds.

        Raises `KeyError`, `TypeError`, `ValueError` or `AttributeError` when it holds none.
        """
        times = {name: from_rfc3339(stamp) for name, stamp in document["moments"].items() if stamp}
        return cls(
            cause=str(document["cause"]),
            from_node=str(document["from"]),
            to_node=str(document["to"]),
            started_at=times["fault"],
            detected_at=times.get("detected"),
            lock_at=times.get("lock"),
            recovered_at=times.get("recovery_ended"),
            ready_at=times["ready"],
            recovery_began_at=times.get("recovery_began"),
            last_ack_at=times.get("last_ack"),
            lost_at=times.get("connection_lost"),
            first_ack_at=times.get("first_ack"),
        )


def _milliseconds(duration: timedelta) -> float:
    return round(duration / timedelta(milliseconds=1), 3)


class FailoverTracker:
    """Detector of failovers in occurrences that arrive one by one, in the order of time."""

    def __init__(self) -> None:
        self._served: str | None = None
        self._ready_at: datetime | None = None
        """Time when a node was last ready."""
        self._since: list[Occurrence] = []
        """Occurrences since a node was last ready."""
        self._runs: dict[str, bool] = {}
        """Whether each node that was seen runs, as far as its lines and its ends show."""

    def observe(self, occurrence: Occurrence) -> Failover | None:
        """Return the failover that this occurrence completes, or None."""
        if occurrence.node is None:
            if isinstance(occurrence.what, Down) and self._is_news(occurrence.time):
                self._begin_anew()
            return None
        if _logged(occurrence, ev.Boot) and self._was_stopped():
            self._begin_anew()
        self._note_run(occurrence, occurrence.node)
        if not _logged(occurrence, ev.StreamingReady):
            self._served = self._on_record(occurrence) or self._served
            self._since.append(occurrence)
            return None
        old, since = self._served, self._since
        self._served, self._ready_at, self._since = occurrence.node, occurrence.time, []
        if old is None or old == occurrence.node:
            return None
        return _failover(old, occurrence.node, since, occurrence.time)

    def _on_record(self, occurrence: Occurrence) -> str | None:
        """Return the node that served according to a fault's record; None if the log knows better.

        The log line of a node that became active long ago may no longer be kept.
        """
        if not isinstance(occurrence.what, Hit):
            return None
        fault = occurrence.what.fault
        return fault.notes.get("active") if self._is_news(fault.since) else None

    def _is_news(self, time: datetime) -> bool:
        """Whether it happened after a node was last ready: records can arrive late."""
        return self._ready_at is None or time > self._ready_at

    def _note_run(self, occurrence: Occurrence, node: str) -> None:
        if _is_end(occurrence):
            self._runs[node] = False
        elif _logged(occurrence, ev.Boot):
            self._runs[node] = True
        elif isinstance(occurrence.what, Logged):  # also a line of a server that is shutting down
            self._runs.setdefault(node, True)

    def _was_stopped(self) -> bool:
        """Whether no node runs, and the one that served has ended without a fault."""
        own = [occurrence for occurrence in self._since if occurrence.node == self._served]
        hit = any(isinstance(each.what, Hit) and each.what.fault.ends_run for each in own)
        return not hit and any(map(_is_end, own)) and not any(self._runs.values())

    def _begin_anew(self) -> None:
        self._served, self._since = None, []
        self._runs.clear()


def find(occurrences: Iterable[Occurrence]) -> list[Failover]:
    """Return the failovers among occurrences that are in the order of time."""
    tracker = FailoverTracker()
    found: list[Failover] = []
    outages: list[Outage] = []
    for occurrence in occurrences:
        if failover := tracker.observe(occurrence):
            found.append(failover)
        elif isinstance(occurrence.what, Outage):
            outages.append(occurrence.what)
    for outage in outages:
        note_outage(found, outage)
    return found


def note_outage(found: list[Failover], outage: Outage) -> None:
    """Put the client's times into the failover that ended its outage; `found` is in the order of time."""
    bridged = [index for index, failover in enumerate(found) if bridges(outage, failover)]
    if bridged:  # of several failovers within one outage the last one ended it
        found[bridged[-1]] = _seen_by_client(found[bridged[-1]], outage)


def _seen_by_client(failover: Failover, outage: Outage) -> Failover:
    """Return the failover with the client's times, unless it has some already."""
    if failover.first_ack_at is not None:
        return failover
    first_ack = max(outage.first_ack, failover.ready_at)
    return replace(failover, last_ack_at=outage.last_ack, lost_at=outage.lost, first_ack_at=first_ack)


def bridges(outage: Outage, failover: Failover) -> bool:
    """Return whether the client that saw the outage was still waiting when the next node took over.

    A busy server may acknowledge before it writes that it is ready, but not before it has the lock.
    """
    takes_over = min(failover.lock_at or failover.ready_at, failover.ready_at - _SKEW)
    return outage.last_ack <= failover.ready_at and outage.first_ack >= takes_over


def _logged(occurrence: Occurrence, *kinds: type[ev.LogEvent]) -> bool:
    return isinstance(occurrence.what, Logged) and isinstance(occurrence.what.event, kinds)


def _failover(from_node: str, to_node: str, since: Sequence[Occurrence], ready_at: datetime) -> Failover:
    old = [occurrence for occurrence in since if occurrence.node == from_node]
    new = [occurrence for occurrence in since if occurrence.node == to_node]
    started, cause = _start(old)
    lock = _last(new, ev.LockTaken)
    lost = [occurrence.time for occurrence in new if _route_lost(occurrence)]
    if started is None:
        started = min((time for time in (*lost, lock) if time), default=ready_at)
    detected = next(
        (time for time in lost if time >= started - _SKEW and (lock is None or time <= lock)), None
    )
    if detected is not None:
        started = min(started, detected)  # the engine recorded the end late: it precedes its detection
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


def _start(occurrences: Sequence[Occurrence]) -> tuple[datetime | None, str]:
    """Return when the old node's service ended, and why."""
    healed = {occurrence.what.fault.id for occurrence in occurrences if isinstance(occurrence.what, Healed)}
    hits = [
        (occurrence.time, occurrence.what.fault.name)
        for occurrence in occurrences
        if isinstance(occurrence.what, Hit)
        and (occurrence.what.fault.ends_run or occurrence.what.fault.id not in healed)
    ]
    ends = [
        (occurrence.time, occurrence.what) for occurrence in occurrences if isinstance(occurrence.what, Ended)
    ]
    if ends:
        time, end = ends[-1]
        named = end.fault or next((name for hit, name in reversed(hits) if hit <= time), None)
        return time, named or (f"exit {end.exit_code}" if end.exit_code is not None else "unknown")
    if hits:
        return hits[-1]
    return _last(occurrences, ev.ShuttingDown, ev.Boot), "unknown"


def _is_end(occurrence: Occurrence) -> bool:
    """Whether the node's process ends with it."""
    match occurrence.what:
        case Ended() | Logged(ev.ShuttingDown()):
            return True
        case Logged(event):
            return event.fatal
    return False


def _last(occurrences: Sequence[Occurrence], *kinds: type[ev.LogEvent]) -> datetime | None:
    return next(
        (occurrence.time for occurrence in reversed(occurrences) if _logged(occurrence, *kinds)), None
    )


def _route_lost(occurrence: Occurrence) -> bool:
    event = occurrence.what.event if isinstance(occurrence.what, Logged) else None
    return isinstance(event, ev.RouteDown) and event.reason != "Duplicate Route"


def document(failovers: Sequence[Failover]) -> dict[str, Any]:
    """Return the failovers with percentiles of the outages that clients saw, as the contract shows them."""
    outages = [failover.outage_ms for failover in failovers if failover.outage_ms is not None]
    return {
        "failovers": [failover.document() for failover in failovers],
        "p50_ms": percentile(outages, 50),
        "p95_ms": percentile(outages, 95),
        "max_ms": max(outages, default=None),
    }
