"""The journal: an append-only file of what was done to a group, which outlives the tool.

It holds only what cannot be derived: faults and their end, ends of processes whose trace a restart or a
`down` removes, lost lock files, and outages that clients saw. States, failovers and problems are derived from
the servers' logs and the engine. A record is one JSON line, appended under a lock before and after the act,
so that a tool that is killed half way leaves the intent on disk; a line that was cut short is skipped.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from stanlocal.errors import StateError
from stanlocal.history import JOURNAL_FILE
from stanlocal.history.records import (
    FaultHealed,
    FaultNoted,
    FaultObserved,
    FaultStarted,
    FaultTookEffect,
    LockFileLost,
    OutageSeen,
    ProcessEnded,
    Record,
    TakenDown,
    from_document,
    to_document,
)
from stanlocal.model.fault_record import Condition, FaultRecord
from stanlocal.util.durable_write import full_disk_reported, write_all

_PIECE = 8 << 20
"""Bytes read at a time: many records, and more than any single one."""


def _now() -> datetime:
    return datetime.now(UTC)


class Journal:
    """The journal of one group. It only grows: records that were read once are not read again."""

    def __init__(self, folder: Path, *, clock: Callable[[], datetime] = _now) -> None:
        self.path = folder / JOURNAL_FILE
        self._clock = clock
        self._read: list[Record] = []
        self._read_to = 0
        """Offset of the first line that is not read yet."""
        self._last = b""
        """The line before that offset: if it differs, the group was purged and the file is a new one."""
        self._faults: dict[str, FaultRecord] = {}
        self._folded = 0
        """Number of records that `_faults` is of: a watch asks often, and few are new."""
        self._unwritten: list[StateError] | None = None
        """Reasons why records are missing, within `going_on`."""

    @contextmanager
    def going_on(self) -> Iterator[list[StateError]]:
        """Collect, during the block, why records cannot be written, instead of raising it.

        For what has to be done also without a record; the caller says that it is missing.
        """
        before, self._unwritten = self._unwritten, []
        try:
            yield self._unwritten
        finally:
            self._unwritten = before

    # Writing: each record is on disk when its method returns; `StateError` is raised with nothing added

    def fault_started(
        self,
        fault: str,
        name: str,
        targets: Sequence[str],
        *,
        runs: Mapping[str, datetime],
        until: datetime | None,
        expected: str,
        predicted: Mapping[str, Any],
        ends_run: bool,
        leaves: Condition | None,
        notes: Mapping[str, Any],
    ) -> None:
        """Record that a fault is about to be injected."""
        self.append(
            FaultStarted(
                self._clock(),
                fault,
                name,
                tuple(targets),
                runs=runs,
                until=until,
                expected=expected,
                predicted=predicted,
                ends_run=ends_run,
                leaves=leaves,
                notes=notes,
            )
        )

    def fault_noted(self, fault: str, notes: Mapping[str, Any]) -> None:
        """Record facts that are needed to undo the next step of a fault."""
        self.append(FaultNoted(self._clock(), fault, notes))

    def fault_took_effect(
        self, fault: str, times: Mapping[str, datetime], until: datetime | None = None
    ) -> None:
        """Record when a fault hit its targets."""
        self.append(FaultTookEffect(self._clock(), fault, times, until))

    def fault_observed(self, fault: str, observed: str, as_expected: bool | None) -> None:
        """Record the outcome of a fault."""
        self.append(FaultObserved(self._clock(), fault, observed, as_expected))

    def fault_healed(self, fault: str, targets: Sequence[str] = ()) -> None:
        """Record that a fault is over on these targets; without targets, on all."""
        self.append(FaultHealed(self._clock(), fault, tuple(targets)))

    def process_ended(self, node: str, ended_at: datetime, exit_code: int | None) -> None:
        """Record the end of a node's process that no fault explains."""
        self.append(ProcessEnded(self._clock(), node, ended_at, exit_code))

    def taken_down(self, times: Mapping[str, datetime]) -> None:
        """Record that the whole group was ended: the nodes that ran, each at its time."""
        self.append(TakenDown(self._clock(), times))

    def lock_file_lost(self, how: str) -> None:
        """Record that the store's lock file was `removed` or `replaced`."""
        self.append(LockFileLost(self._clock(), how))

    def outage_seen(self, last_ack: datetime, lost: datetime | None, first_ack: datetime) -> None:
        """Record an outage as a client saw it."""
        self.append(OutageSeen(self._clock(), last_ack, lost, first_ack))

    def append(self, record: Record) -> None:
        """Add a record, which is on disk when this returns; raises `StateError`, with nothing added."""
        line = (json.dumps(to_document(record), separators=(",", ":")) + "\n").encode()
        try:
            with full_disk_reported(self.path):
                self._write(line)
        except (StateError, OSError) as error:
            if self._unwritten is None:
                raise
            if not isinstance(error, StateError):
                error = StateError(f"{self.path} cannot be written: {error.strerror}")
            self._unwritten.append(error)

    def _write(self, line: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _append(descriptor, line)
        finally:
            os.close(descriptor)

    def close_faults(self, keep: Collection[str] = ()) -> None:
        """Record the end of every fault in force, as the targets are gone or healed; `keep` names kinds."""
        for fault in self.faults():
            if fault.in_force and fault.name not in keep:
                self.fault_healed(fault.id)

    # Reading

    def records(self) -> list[Record]:
        """Return all records, oldest first."""
        try:
            with self.path.open("rb") as file:
                self._go_on(file)
        except FileNotFoundError:
            self._begin_again()
        return [*self._read]

    def faults(self) -> list[FaultRecord]:
        """Return every fault on record, oldest first."""
        records = self.records()
        for record in records[self._folded :]:
            _fold(record, self._faults)
        self._folded = len(records)
        return list(self._faults.values())

    def size(self) -> int:
        """Return the file's size in bytes, which grows with each record."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def _go_on(self, file: BinaryIO) -> None:
        while self._read_piece(file):
            pass

    def _read_piece(self, file: BinaryIO) -> bool:
        """Read more lines; return whether there were any. A line longer than a piece is never read."""
        file.seek(self._read_to - len(self._last))
        data = file.read(len(self._last) + _PIECE)
        if not data.startswith(self._last):
            self._begin_again()
            file.seek(0)
            data = file.read(_PIECE)
        fresh, end, _ = data[len(self._last) :].rpartition(b"\n")  # the last may be half written
        if end:
            self._read += _parse(fresh.decode("utf-8", "replace").split("\n"))
            self._read_to += len(fresh) + 1
            self._last = fresh.rpartition(b"\n")[2] + end
        return bool(end)

    def _begin_again(self) -> None:
        self._read, self._read_to, self._last = [], 0, b""
        self._faults, self._folded = {}, 0


def _append(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":  # a tool was killed while it wrote
        line = b"\n" + line
    try:
        write_all(descriptor, line)
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):  # otherwise readers skip the torn line
            os.ftruncate(descriptor, size)
        raise


def _parse(lines: Iterable[str]) -> Iterator[Record]:
    for line in lines:
        try:
            record = from_document(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # cut short, of a later version, or not a record
        yield record


def faults(records: Iterable[Record]) -> list[FaultRecord]:
    """Fold records into the faults that they describe, oldest first."""
    found: dict[str, FaultRecord] = {}
    for record in records:
        _fold(record, found)
    return list(found.values())


def _fold(record: Record, found: dict[str, FaultRecord]) -> None:
    match record:
        case FaultStarted():
            found[record.fault] = FaultRecord(
                id=record.fault,
                name=record.name,
                targets=record.targets,
                runs=record.runs,
                since=record.time,
                until=record.until,
                expected=record.expected,
                ends_run=record.ends_run,
                leaves=record.leaves,
                predicted=record.predicted,
                notes=record.notes,
            )
        case FaultNoted() | FaultTookEffect() | FaultObserved() | FaultHealed() if record.fault in found:
            found[record.fault] = _advance(found[record.fault], record)


def _advance(
    known: FaultRecord, record: FaultNoted | FaultTookEffect | FaultObserved | FaultHealed
) -> FaultRecord:
    match record:
        case FaultNoted():
            return replace(known, notes={**known.notes, **record.notes})
        case FaultTookEffect():
            until = record.until or known.until
            return replace(known, effective=True, times={**known.times, **record.times}, until=until)
        case FaultObserved():
            return replace(known, observed=record.observed, as_expected=record.as_expected)
        case FaultHealed():
            healed = {**dict.fromkeys(record.targets or known.targets, record.time), **known.healed}
            over = record.time if healed.keys() >= set(known.targets) else None
            return replace(known, healed=healed, healed_at=known.healed_at or over)
