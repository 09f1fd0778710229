"""What was done to a group: an append-only file that outlives the tool.

Only what cannot be derived is written: faults and their end, an end of a process of which a restart
removes the trace, and a lock file that went away. States,
failovers and problems are derived from the servers' logs and the engine. A record is one JSON line,
appended under a lock before and after the act, so that a tool that is killed half way leaves the intent
on disk; a line that was cut short is skipped. `faults` folds the records into the faults that there were.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from stanlocal.model.fault_record import HEALING, Condition, FaultRecord
from stanlocal.util.durable_write import write_all, written_or_said
from stanlocal.util.timestamps import from_rfc3339, rfc3339

FILE = "journal.jsonl"

_PIECE = 8 << 20
"""Bytes that are read at a time: many records, and more than any single one."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the journal."""

    time: datetime
    type: Literal["fault", "note", "effect", "observed", "heal", "end", "lock-file", "outage"]
    """`fault`: about to be injected; `note`: a step of it is about to be done; `effect`: the engine confirmed
    it; `observed`: what came of it; `heal`: it is over; `end`: a process ended unasked; `lock-file`: the
    store's lock file was removed or replaced (`observed` says which); `outage`: a client was not served."""
    fault: str = ""
    """The id of the fault it belongs to."""
    name: str = ""
    """Of the fault, as the registry has it; on `fault` records."""
    targets: tuple[str, ...] = ()
    """On `fault` records: the nodes hit; on `heal` records: those put right, none meaning all."""
    runs: dict[str, str] = field(default_factory=dict)
    """For each target the start of the run that is hit (RFC 3339), by which its end is recognised."""
    times: dict[str, str] = field(default_factory=dict)
    """On `effect` records: when each target was hit; on `outage` records: `last_ack`, `lost` and `first_ack`
    as the client saw them (RFC 3339)."""
    expected: str | None = None
    observed: str | None = None
    exit_code: int | None = None
    """On `end` records."""
    ends_run: bool = False
    """On `fault` records: whether the targets' processes are to end by it, whatever their exit code."""
    until: str | None = None
    """When it is to end by itself (RFC 3339); None: when it is healed. On `fault` records, and on `effect`
    records again: its time counts from there."""
    leaves: Condition | None = None
    """On `fault` records: what has to be put right afterwards; None when it ends by itself."""
    predicted: dict[str, Any] = field(default_factory=dict)
    """On `fault` records: what `expected` says, as `stanlocal.faults.expectation` compares it."""
    notes: dict[str, Any] = field(default_factory=dict)
    """On `fault` and `note` records: what is needed to undo the fault, before it is done."""
    as_expected: bool | None = None
    """On `observed` records."""


class Journal:
    """The journal of one group. It only grows: what was read of it once is not read again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._read: list[Record] = []
        self._read_to = 0
        """Where the first line begins that is not read yet."""
        self._last = b""
        """The line before it: after a purge the file is another one."""

    def append(self, record: Record) -> None:
        """Add a record, which is on disk when this returns; raises `StateError`, with nothing added."""
        document = {key: value for key, value in asdict(record).items() if value not in (None, "", (), {})}
        document["time"] = rfc3339(record.time)
        line = (json.dumps(document, separators=(",", ":")) + "\n").encode()
        with written_or_said(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                _append(descriptor, line)
            finally:
                os.close(descriptor)

    def records(self) -> list[Record]:
        """All of them, oldest first; none when nothing was ever done."""
        try:
            with self.path.open("rb") as file:
                self._go_on(file)
        except FileNotFoundError:
            self._begin_again()
        return [*self._read]

    def _go_on(self, file: BinaryIO) -> None:
        while self._read_piece(file):
            pass

    def _read_piece(self, file: BinaryIO) -> bool:
        """Read some lines more; whether there were any. A line without an end in a piece is never read."""
        file.seek(self._read_to - len(self._last))
        data = file.read(len(self._last) + _PIECE)
        if not data.startswith(self._last):
            self._begin_again()
            file.seek(0)
            data = file.read(_PIECE)
        fresh, end, _ = data[len(self._last) :].rpartition(b"\n")  # the last line may be being written
        if end:
            self._read += _parse(fresh.decode("utf-8", "replace").split("\n"))
            self._read_to += len(fresh) + 1
            self._last = fresh.rpartition(b"\n")[2] + end
        return bool(end)

    def _begin_again(self) -> None:
        self._read, self._read_to, self._last = [], 0, b""

    def size(self) -> int:
        """In bytes: it grows with each record, so whoever remembers it knows whether there are new ones."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def faults(self) -> list[FaultRecord]:
        """Every fault that there was, oldest first."""
        return faults(self.records())

    def close_faults(self) -> None:
        """Records that no fault is in force any more: what they hit is gone, or was put right."""
        for fault in self.faults():
            if fault.in_force:
                self.append(Record(datetime.now(UTC), "heal", fault.id))


def _append(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":  # a tool was killed while it wrote
        line = b"\n" + line
    try:
        write_all(descriptor, line)
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):  # a torn line would be skipped, too
            os.ftruncate(descriptor, size)
        raise


_OUTAGE_TIMES = {"last_ack", "first_ack"}

_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("time", "type", "fault", "name", "expected", "observed", "until", "leaves"), str),
    **dict.fromkeys(("runs", "times", "predicted", "notes"), dict),
    **dict.fromkeys(("ends_run", "as_expected"), bool),
    "targets": list,
    "exit_code": int,
}
"""What the fields of a record are in the file, as far as others rely on it."""


def _parse(lines: Iterable[str]) -> Iterator[Record]:
    for line in lines:
        try:
            record = _record(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # cut short, or of a later version, or of another making
        yield record


def _record(document: dict[str, Any]) -> Record:
    """The record that a line holds; raises one of the errors that `_parse` passes over when it holds none."""
    targets = document.get("targets", [])
    stamps = [*document.get("runs", {}).values(), *document.get("times", {}).values()]
    stamps += filter(None, (document.get("until"), document.get("notes", {}).get(HEALING)))
    for stamp in stamps:
        from_rfc3339(stamp)
    if document["type"] == "outage" and not document.get("times", {}).keys() >= _OUTAGE_TIMES:
        raise ValueError("an outage lacks a time")
    well_formed = all(isinstance(value, _KINDS.get(key, object)) for key, value in document.items())
    if not well_formed or not all(isinstance(target, str) for target in targets):
        raise ValueError("a field is not what it should be")
    return Record(**{**document, "time": from_rfc3339(document["time"]), "targets": tuple(targets)})


def faults(records: Sequence[Record]) -> list[FaultRecord]:
    """The faults that these records tell of, oldest first."""
    found: dict[str, FaultRecord] = {}
    for record in records:
        known = found.get(record.fault)
        if record.type == "fault":
            found[record.fault] = FaultRecord(
                id=record.fault,
                name=record.name,
                targets=record.targets,
                runs=record.runs,
                since=record.time,
                until=datetime.fromisoformat(record.until) if record.until else None,
                expected=record.expected,
                ends_run=record.ends_run,
                leaves=record.leaves,
                predicted=record.predicted,
                notes=record.notes,
            )
        elif known is not None:
            found[record.fault] = _advance(known, record)
    return list(found.values())


def _advance(known: FaultRecord, record: Record) -> FaultRecord:
    match record.type:
        case "note":
            return replace(known, notes={**known.notes, **record.notes})
        case "effect":
            until = datetime.fromisoformat(record.until) if record.until else known.until
            return replace(known, effective=True, times={**known.times, **record.times}, until=until)
        case "observed":
            return replace(known, observed=record.observed, as_expected=record.as_expected)
        case "heal":
            healed = {**dict.fromkeys(record.targets or known.targets, record.time), **known.healed}
            over = record.time if healed.keys() >= set(known.targets) else None
            return replace(known, healed=healed, healed_at=known.healed_at or over)
    return known


def end_is_recorded(recorded: Iterable[FaultRecord], node: str, started_at: datetime | None) -> bool:
    """Whether the end of the run of `node` that began at `started_at` is the effect of a fault."""
    if started_at is None:
        return False
    run = rfc3339(started_at)
    return any(fault.ends_run and fault.runs.get(node) == run for fault in recorded)
