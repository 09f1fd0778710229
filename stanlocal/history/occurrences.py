"""Occurrences: what happened to a group, from any source, in one form that can be ordered by time.

Logs, engine and journal each know a part. As occurrences they are merged, and
`stanlocal.history.failovers` and `stanlocal.history.timeline` derive failovers and events from them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from stanlocal.history.journal import faults
from stanlocal.history.records import LockFileLost, OutageSeen, ProcessEnded, Record, TakenDown
from stanlocal.logs.event_types import LogEvent
from stanlocal.logs.line_patterns import LogLine
from stanlocal.model.fault_record import FaultRecord, fault_that_ended
from stanlocal.model.instance import EngineEvent, Instance


@dataclass(frozen=True, slots=True)
class Ended:
    """A node's process ended."""

    exit_code: int | None
    recorded: bool
    """Whether it was the effect of a recorded fault, or of a `down`."""
    fault: str | None = None
    """Name of that fault, where the run that it ended tells which it was."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A node's process was paused."""


@dataclass(frozen=True, slots=True)
class Thawed:
    """A paused process was resumed."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A node's routes were cut; with `clients`, its clients' connections too."""

    clients: bool


@dataclass(frozen=True, slots=True)
class Rejoined:
    """A node that was cut off was reconnected."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A recorded fault took effect on the node."""

    fault: FaultRecord


@dataclass(frozen=True, slots=True)
class Healed:
    """A recorded fault is over."""

    fault: FaultRecord


@dataclass(frozen=True, slots=True)
class Down:
    """All nodes were ended on purpose: what serves next is no failover."""


@dataclass(frozen=True, slots=True)
class LockFileGone:
    """The store's lock file was removed or replaced; a lock on the old file does not protect the new one."""

    how: str
    """`removed` or `replaced`."""


@dataclass(frozen=True, slots=True)
class Logged:
    """The node logged a line with a known event."""

    event: LogEvent
    message: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A client's publishes were not acknowledged for a while. Times are UTC, as the client saw them."""

    last_ack: datetime
    lost: datetime | None
    """Time when its connection broke; None when it did not."""
    first_ack: datetime


What: TypeAlias = (
    Ended | Frozen | Thawed | Cut | Rejoined | Outage | Hit | Healed | Down | LockFileGone | Logged
)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One thing that happened, at one time."""

    time: datetime
    node: str | None
    """Name of the node; None when it concerns the group, the store or clients."""
    what: What


def of_line(node: str, line: LogLine) -> Occurrence | None:
    """Return the occurrence that a log line reports; None if the line has no known event."""
    return Occurrence(line.time, node, Logged(line.event, line.message)) if line.event else None


def of_end(instance: Instance, recorded: Iterable[FaultRecord]) -> Occurrence | None:
    """Return the end of the node's last run, with the recorded fault that explains it; None while it runs."""
    if instance.finished_at is None:
        return None
    fault = fault_that_ended(recorded, instance.name, instance.started_at)
    return Occurrence(instance.finished_at, instance.name, _ended(instance.exit_code, fault))


def of_engine_event(event: EngineEvent, fault: FaultRecord | None) -> Occurrence | None:
    """Return the occurrence that an engine's event reports; None for a start, which the log reports.

    `fault` is the one that ended the node's run, if one did.
    """
    what: dict[str, What] = {
        "die": _ended(event.exit_code, fault),
        "pause": Frozen(),
        "unpause": Thawed(),
    }
    return Occurrence(event.time, event.node, what[event.action]) if event.action in what else None


def _ended(exit_code: int | None, fault: FaultRecord | None) -> Ended:
    return Ended(exit_code, fault is not None, fault.name if fault else None)


_MARKS: Mapping[str | None, tuple[What, What]] = {
    "frozen": (Frozen(), Thawed()),
    "unrouted": (Cut(clients=False), Rejoined()),
    "isolated": (Cut(clients=True), Rejoined()),
}
"""By the condition that a fault leaves a node in: the occurrence of the fault, and that of its healing."""


def of_fault(fault: FaultRecord) -> Iterator[Occurrence]:
    """Yield when a fault hit each of its targets, what it did there, and when it was over."""
    begin, end = _MARKS.get(fault.leaves, (None, None))
    for node, time in fault.times.items():
        yield Occurrence(time, node, Hit(fault))
        if fault.ends_run:
            yield Occurrence(time, node, _ended(None, fault))
        if begin is not None:
            yield Occurrence(time, node, begin)
        if end is not None and node in fault.healed:
            yield Occurrence(fault.healed[node], node, end)
        if fault.healed_at is not None:
            yield Occurrence(fault.healed_at, node, Healed(fault))


def of_records(records: Sequence[Record]) -> Iterator[Occurrence]:
    """Yield the occurrences that the journal's records report."""
    for fault in faults(records):
        yield from of_fault(fault)
    for record in records:
        match record:
            case ProcessEnded():
                yield Occurrence(record.ended_at, record.node, Ended(record.exit_code, recorded=False))
            case TakenDown():
                for node, time in record.times.items():
                    yield Occurrence(time, node, Ended(None, recorded=True))
                yield Occurrence(max(record.times.values(), default=record.time), None, Down())
            case OutageSeen():
                outage = Outage(record.last_ack, record.lost, record.first_ack)
                yield Occurrence(outage.first_ack, None, outage)
            case LockFileLost():
                yield Occurrence(record.time, None, LockFileGone(record.how))


def merge(
    logs: Mapping[str, Iterable[LogLine]], ends: Iterable[Occurrence], records: Sequence[Record]
) -> Sequence[Occurrence]:
    """Return all occurrences in the order of time."""
    logged = (of_line(node, line) for node, lines in logs.items() for line in lines)
    occurrences = [occurrence for occurrence in logged if occurrence]
    occurrences += ends
    occurrences += of_records(records)
    return sorted(occurrences, key=lambda occurrence: occurrence.time)
