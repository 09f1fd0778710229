"""Judging findings by a budget: the verdict of a drill. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stanlocal.drill.findings import Findings


@dataclass(frozen=True, slots=True)
class Budget:
    """What a drill may cost; None: whatever it is. Numbers count messages, or deliveries."""

    max_outage: float | None = None
    """Seconds of the worst outage, as all publishers together saw it."""
    max_lost: int | None = 0
    max_duplicates: int | None = None
    max_reordered: int | None = None
    max_unexpected: int | None = 0
    max_wrong: int | None = 0
    max_gaps: int | None = 0
    max_forked: int | None = 0
    max_unknown: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a drill went well, and where not."""

    findings: Findings
    budget: Budget
    problems: tuple[str, ...] = field(default=())
    """What the budget does not allow, a sentence each, with the messages' numbers."""

    @property
    def ok(self) -> bool:
        """Whether the budget was kept."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """As the contract shows it."""
        raise NotImplementedError


def judge(findings: Findings, budget: Budget) -> Verdict:
    """The verdict."""
    raise NotImplementedError
