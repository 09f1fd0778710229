"""What happened to a group, from any source, as one kind of thing that can be put in order.

Logs, engine and journal each know a part; as occurrences they are merged by time and read by whoever
derives something from the past: `stanlocal.history.failovers`, `stanlocal.history.timeline`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from stanlocal.engine.base import EngineEvent, Instance
from stanlocal.history.journal import faults
from stanlocal.history.records import LockFileLost, OutageSeen, ProcessEnded, Record
from stanlocal.logs.events import LogEvent
from stanlocal.logs.parse import LogLine
from stanlocal.model.fault_record import FaultRecord


@dataclass(frozen=True, slots=True)
class Ended:
    """A node's process ended."""

    exit_code: int | None
    recorded: bool
    """Whether as the effect of a recorded fault."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A node's process was paused."""


@dataclass(frozen=True, slots=True)
class Thawed:
    """A paused process goes on."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A node's routes were cut, or with `clients` all that leads to it."""

    clients: bool


@dataclass(frozen=True, slots=True)
class Rejoined:
    """A node that was cut off is reached again."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A recorded fault took effect on the node."""

    fault: FaultRecord


@dataclass(frozen=True, slots=True)
class Healed:
    """A recorded fault is over."""

    fault: FaultRecord


@dataclass(frozen=True, slots=True)
class LockFileGone:
    """The store's lock file was removed or replaced: a lock on the old one keeps nobody from the new one."""

    how: str
    """`removed` or `replaced`."""


@dataclass(frozen=True, slots=True)
class Logged:
    """The node's log said something that matters."""

    event: LogEvent
    message: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A client's publishes were not acknowledged for a while. Times are UTC, as the client saw them."""

    last_ack: datetime
    lost: datetime | None
    """When its connection broke; None when it did not."""
    first_ack: datetime


What: TypeAlias = Ended | Frozen | Thawed | Cut | Rejoined | Outage | Hit | Healed | LockFileGone | Logged


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened."""

    time: datetime
    node: str | None
    """None for what concerns the store, or clients."""
    what: What


def of_line(node: str, line: LogLine) -> Occurrence | None:
    """The occurrence that a line of the log is, if it matters."""
    return Occurrence(line.time, node, Logged(line.event, line.message)) if line.event else None


def of_end(instance: Instance, *, recorded: bool) -> Occurrence | None:
    """The end of the node's last run, once it has ended."""
    if instance.finished_at is None:
        return None
    return Occurrence(instance.finished_at, instance.name, Ended(instance.exit_code, recorded))


def of_engine_event(event: EngineEvent, *, recorded: bool) -> Occurrence | None:
    """The occurrence that an engine's event is; a start is told by the server's own first line instead."""
    what: dict[str, What] = {
        "die": Ended(event.exit_code, recorded),
        "pause": Frozen(),
        "unpause": Thawed(),
    }
    return Occurrence(event.time, event.node, what[event.action]) if event.action in what else None


_MARKS: Mapping[str | None, tuple[What, What]] = {
    "frozen": (Frozen(), Thawed()),
    "unrouted": (Cut(clients=False), Rejoined()),
    "isolated": (Cut(clients=True), Rejoined()),
}
"""What a fault that leaves this does to a node, and what its end does."""


def of_fault(fault: FaultRecord) -> Iterator[Occurrence]:
    """When it hit each of its targets, what it did there, and when it was over."""
    begin, end = _MARKS.get(fault.leaves, (None, None))
    for node, time in fault.times.items():
        yield Occurrence(time, node, Hit(fault))
        if fault.ends_run:
            yield Occurrence(time, node, Ended(None, recorded=True))
        if begin is not None:
            yield Occurrence(time, node, begin)
        if end is not None and node in fault.healed:
            yield Occurrence(fault.healed[node], node, end)
        if fault.healed_at is not None:
            yield Occurrence(fault.healed_at, node, Healed(fault))


def of_records(records: Sequence[Record]) -> Iterator[Occurrence]:
    """All that the journal tells."""
    for fault in faults(records):
        yield from of_fault(fault)
    for record in records:
        match record:
            case ProcessEnded():
                yield Occurrence(record.ended_at, record.node, Ended(record.exit_code, recorded=False))
            case OutageSeen():
                outage = Outage(record.last_ack, record.lost, record.first_ack)
                yield Occurrence(outage.first_ack, None, outage)
            case LockFileLost():
                yield Occurrence(record.time, None, LockFileGone(record.how))


def merge(
    logs: Mapping[str, Iterable[LogLine]], ends: Iterable[Occurrence], records: Sequence[Record]
) -> Sequence[Occurrence]:
    """All of them in the order of time."""
    logged = (of_line(node, line) for node, lines in logs.items() for line in lines)
    occurrences = [occurrence for occurrence in logged if occurrence]
    occurrences += ends
    occurrences += of_records(records)
    return sorted(occurrences, key=lambda occurrence: occurrence.time)
