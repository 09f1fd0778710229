"""The records of the journal, one class for each type, and the JSON documents that hold them. Pure.

Earlier versions wrote the same documents; fields that a type does not use are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from stanlocal.model.fault_record import HEALING, Condition
from stanlocal.util.timestamps import from_rfc3339, rfc3339


@dataclass(frozen=True, slots=True)
class FaultStarted:
    """A fault is about to be injected."""

    type: ClassVar = "fault"
    time: datetime
    fault: str
    """The fault's id."""
    name: str
    """The fault's name in the registry."""
    targets: tuple[str, ...]
    runs: Mapping[str, datetime] = field(default_factory=dict)
    """Start of the run that is hit, for each target, by which the end of that run is recognised."""
    until: datetime | None = None
    """Time at which it ends by itself; None when it lasts until it is healed."""
    expected: str | None = None
    predicted: Mapping[str, Any] = field(default_factory=dict)
    """The same prediction, as `stanlocal.faults.expectation` compares it."""
    ends_run: bool = False
    """Whether the fault ends the targets' processes, whatever their exit code."""
    leaves: Condition | None = None
    """Condition to be healed afterwards; None when it ends by itself."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """Facts that undoing the fault needs, known before the act."""

    def document(self) -> dict[str, Any]:
        """Return the record's own fields for the file."""
        return {
            "fault": self.fault,
            "name": self.name,
            "targets": list(self.targets),
            "runs": _stamps(self.runs),
            "until": rfc3339(self.until) if self.until else None,
            "expected": self.expected,
            "predicted": dict(self.predicted),
            "ends_run": self.ends_run or None,
            "leaves": self.leaves,
            "notes": dict(self.notes),
        }

    @classmethod
    def read(cls, time: datetime, document: Mapping[str, Any]) -> FaultStarted:
        return cls(
            time=time,
            fault=document["fault"],
            name=document.get("name", ""),
            targets=tuple(document.get("targets", ())),
            runs=_times(document.get("runs", {})),
            until=_time(document.get("until")),
            expected=document.get("expected"),
            predicted=document.get("predicted", {}),
            ends_run=document.get("ends_run", False),
            leaves=document.get("leaves"),
            notes=document.get("notes", {}),
        )


@dataclass(frozen=True, slots=True)
class FaultNoted:
    """A step of a fault is about to be done; `notes` are the facts needed to undo it."""

    type: ClassVar = "note"
    time: datetime
    fault: str
    notes: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return the record's own fields for the file."""
        return {"fault": self.fault, "notes": dict(self.notes)}

    @classmethod
    def read(cls, time: datetime, document: Mapping[str, Any]) -> FaultNoted:
        return cls(time, document["fault"], document.get("notes", {}))


@dataclass(frozen=True, slots=True)
class FaultTookEffect:
    """The engine confirmed a fault's effect."""

    type: ClassVar = "effect"
    time: datetime
    fault: str
    times: Mapping[str, datetime]
    """Time at which each target was hit."""
    until: datetime | None = None
    """Time at which it ends by itself, counted from its effect."""

    def document(self) -> dict[str, Any]:
        """Return the record's own fields for the file."""
        until = rfc3339(self.until) if self.until else None
        return {"fault": self.fault, "times": _stamps(self.times), "until": until}

    @classmethod
    def read(cls, time: datetime, document: Mapping[str, Any]) -> FaultTookEffect:
        times = _times(document.get("times", {}))
        return cls(time, document["fault"], times, _time(document.get("until")))


@dataclass(frozen=True, slots=True)
class FaultObserved:
    """The outcome of a fault was observed."""

    type: ClassVar = "observed"
    time: datetime
    fault: str
    observed: str | None
    as_expected: bool | None

    def document(self) -> dict[str, Any]:
        """Return the record's own fields for the file."""
        return {"fault": self.fault, "observed": self.observed, "as_expected": self.as_expected}

    @classmethod
    def read(cls, time: datetime, document: Mapping[str, Any]) -> FaultObserved:
        return cls(time, document["fault"], document.get("observed"), document.get("as_expected"))


@dataclass(frozen=True, slots=True)
class FaultHealed:
    """A fault is over on `targets`; on all of them when there are none."""

    type: ClassVar = "heal"
    time: datetime
    fault: str
    targets: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the record's own fields for the file."""
        return {"fault": self.fault, "targets": list(self.targets)}

    @classmethod
    def read(cls, time: datetime, document: Mapping[str, Any]) -> FaultHealed:
        return cls(time, document["fault"], tuple(document.get("targets", ())))


@dataclass(frozen=True, slots=True)
class ProcessEnded:
    """A node's process ended without a fault; a restart removes the trace of it."""

    type: ClassVar = "end"
    time: datetime
    node: str
    ended_at: datetime
    exit_code: int | None

    def document(self) -> dict[str, Any]:
        """Return the record's own fields for the file."""
        return {"times": {self.node: rfc3339(self.ended_at)}, "exit_code": self.exit_code}

    @classmethod
    def read(cls, time: datetime, document: Mapping[str, Any]) -> ProcessEnded:
        ((node, ended_at),) = _times(document["times"]).items()
        return cls(time, node, ended_at, document.get("exit_code"))


@dataclass(frozen=True, slots=True)
class TakenDown:
    """The group was taken down: all its nodes were ended and are removed, so that the engine shows no end."""

    type: ClassVar = "down"
    time: datetime
    times: Mapping[str, datetime]
    """Ends of the processes that ran until then, by node."""

    def document(self) -> dict[str, Any]:
        """Return the record's own fields for the file."""
        return {"times": _stamps(self.times)}

    @classmethod
    def read(cls, time: datetime, document: Mapping[str, Any]) -> TakenDown:
        return cls(time, _times(document.get("times", {})))


@dataclass(frozen=True, slots=True)
class LockFileLost:
    """The store's lock file was removed or replaced."""

    type: ClassVar = "lock-file"
    time: datetime
    how: str
    """`removed` or `replaced`."""

    def document(self) -> dict[str, Any]:
        """Return the record's own fields for the file."""
        return {"observed": self.how}

    @classmethod
    def read(cls, time: datetime, document: Mapping[str, Any]) -> LockFileLost:
        return cls(time, document.get("observed", "removed"))


@dataclass(frozen=True, slots=True)
class OutageSeen:
    """A client's publishes were not acknowledged for a while; times are as the client saw them."""

    type: ClassVar = "outage"
    time: datetime
    last_ack: datetime
    lost: datetime | None
    """Time at which the client's connection broke; None when it did not."""
    first_ack: datetime

    def document(self) -> dict[str, Any]:
        """Return the record's own fields for the file."""
        times = {"last_ack": self.last_ack, "first_ack": self.first_ack}
        return {"times": _stamps({**times, "lost": self.lost} if self.lost else times)}

    @classmethod
    def read(cls, time: datetime, document: Mapping[str, Any]) -> OutageSeen:
        times = _times(document["times"])
        return cls(time, times["last_ack"], times.get("lost"), times["first_ack"])


Record: TypeAlias = (
    FaultStarted
    | FaultNoted
    | FaultTookEffect
    | FaultObserved
    | FaultHealed
    | ProcessEnded
    | TakenDown
    | LockFileLost
    | OutageSeen
)

_READERS: Mapping[str, Callable[[datetime, Mapping[str, Any]], Record]] = {
    FaultStarted.type: FaultStarted.read,
    FaultNoted.type: FaultNoted.read,
    FaultTookEffect.type: FaultTookEffect.read,
    FaultObserved.type: FaultObserved.read,
    FaultHealed.type: FaultHealed.read,
    ProcessEnded.type: ProcessEnded.read,
    TakenDown.type: TakenDown.read,
    LockFileLost.type: LockFileLost.read,
    OutageSeen.type: OutageSeen.read,
}

_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("time", "type", "fault", "name", "expected", "observed", "until", "leaves"), str),
    **dict.fromkeys(("runs", "times", "predicted", "notes"), dict),
    **dict.fromkeys(("ends_run", "as_expected"), bool),
    "targets": list,
    "exit_code": int,
}
"""Python type of each field's JSON value, for the fields of all record types."""


def to_document(record: Record) -> dict[str, Any]:
    """Return the document that holds a record; empty fields are left out."""
    own = {key: value for key, value in record.document().items() if value not in (None, "", [], {})}
    return {"time": rfc3339(record.time), "type": record.type, **own}


def from_document(document: Mapping[str, Any]) -> Record:
    """Return the record that a document holds.

    Raises `ValueError`, `TypeError`, `KeyError` or `AttributeError` when it holds none.
    """
    for key, value in document.items():
        if not isinstance(value, _KINDS[key]):
            raise ValueError(f"{key} is not of the type {_KINDS[key].__name__}")
    if not all(isinstance(target, str) for target in document.get("targets", ())):
        raise ValueError("a target is not a string")
    _time(document.get("notes", {}).get(HEALING))
    return _READERS[document["type"]](from_rfc3339(document["time"]), document)


def _stamps(times: Mapping[str, datetime]) -> dict[str, str]:
    return {name: rfc3339(time) for name, time in times.items()}


def _times(stamps: Mapping[str, str]) -> dict[str, datetime]:
    return {name: from_rfc3339(stamp) for name, stamp in stamps.items()}


def _time(stamp: str | None) -> datetime | None:
    return from_rfc3339(stamp) if stamp is not None else None
