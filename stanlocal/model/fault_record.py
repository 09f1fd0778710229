"""A fault on record: its targets, its prediction, its outcome, and whether it is still in force. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from stanlocal.util.timestamps import rfc3339

HEALING = "healing"
"""Key of the note that says since when a fault is being healed (RFC 3339)."""

Condition = Literal["ended", "frozen", "unrouted", "isolated", "other"]
"""Condition of a fault's targets that has to be healed: process ended, frozen, without routes, cut off from
everything, or something that only the fault itself can undo."""


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """A fault that was injected, folded from its records in the journal."""

    id: str
    name: str
    targets: tuple[str, ...]
    runs: Mapping[str, datetime]
    """Start of the run that it hit, for each target."""
    since: datetime
    until: datetime | None
    expected: str | None
    ends_run: bool
    leaves: Condition | None = None
    predicted: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    observed: str | None = None
    as_expected: bool | None = None
    """Whether the outcome was as expected; None when it was not observed, or not yet."""
    effective: bool = False
    """Whether its injection was confirmed; if not, the tool was killed half way, or is still injecting."""
    times: Mapping[str, datetime] = field(default_factory=dict)
    healed: Mapping[str, datetime] = field(default_factory=dict)
    """Time at which each target was healed; targets that are not healed are missing."""
    healed_at: datetime | None = None
    """Time at which the last target was healed."""

    @property
    def in_force(self) -> bool:
        """Whether some target is not healed yet."""
        return self.healed_at is None

    @property
    def ran_out(self) -> bool:
        """Whether it ended because its time was up, not before."""
        return self.healed_at is not None and self.until is not None and self.healed_at >= self.until

    def overdue(self, now: datetime) -> bool:
        """Whether it should be over: its time is up, or its injection was cut short."""
        return self.in_force and (not self.effective or (self.until is not None and self.until <= now))

    def hits(self, node: str) -> bool:
        """Whether it is in force on the node."""
        return self.in_force and node in self.targets and node not in self.healed

    def document(self) -> dict[str, Any]:
        """Return the fault as the contract shows it."""
        end = self.healed_at or self.until
        return {
            "id": self.id,
            "name": self.name,
            "targets": list(self.targets),
            "since": rfc3339(self.since),
            "until": rfc3339(end) if end else None,
            "expected": self.expected,
            "observed": self.observed,
            "as_expected": self.as_expected,
            "snapshot": self.notes.get("snapshot"),
            "lost": self.notes.get("lost"),
        }


def fault_that_ended(
    recorded: Iterable[FaultRecord], node: str, started_at: datetime | None
) -> FaultRecord | None:
    """Return the fault that ended the run of `node` that began at `started_at`; None if there is none.

    A fault is on record before its act, so an end finds it, whichever of both is heard of first.
    """
    if started_at is None:
        return None
    return next((each for each in recorded if each.ends_run and each.runs.get(node) == started_at), None)
