"""The outcome of a command that ran on a group: its exit code, and what the group went through. Pure."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stanlocal.history.failovers import Failover
from stanlocal.history.timeline import Event
from stanlocal.model.fault_record import FaultRecord
from stanlocal.testing.run.outage_watch import SeenOutage
from stanlocal.util.format import counted
from stanlocal.util.printable import printable
from stanlocal.util.timestamps import rfc3339

if TYPE_CHECKING:
    from stanlocal.drill.analysis.outcome import Outcome as DrillOutcome

INTERRUPTED = (130, 129, 143)
"""Exit codes of a command that was asked to end: Ctrl-C, a closed terminal, SIGTERM."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A command that has ended."""

    command: Sequence[str]
    exit_code: int
    started: datetime
    ended: datetime
    group: str
    engine: str
    failovers: Sequence[Failover]
    faults: Sequence[FaultRecord]
    outages: Sequence[SeenOutage] | None
    """Outages that a client saw; None: no client looked."""
    max_outage_s: float | None
    seed: int | None
    """Seed that repeats it; None: nothing was drawn."""
    failures: Sequence[str] = ()
    """Reasons why faults or measurements were not as asked."""
    drill: DrillOutcome | None = None
    events: Sequence[Event] = ()
    sections: Sequence[tuple[str, str]] = ()
    """Titled texts about the group, for a command that failed."""

    @property
    def seconds(self) -> float:
        """Time that the command took."""
        return (self.ended - self.started).total_seconds()

    @property
    def command_line(self) -> str:
        """The command as a shell takes it."""
        return printable(shlex.join(self.command))

    @property
    def watched(self) -> bool:
        """Whether a client looked for outages."""
        return self.drill is not None or self.outages is not None

    @property
    def longest_ms(self) -> float | None:
        """Longest outage in ms as a client saw it, else from fault to ready; None: there was none."""
        if self.drill is not None:
            seen = self.drill.document()["outages_ms"]
        elif self.outages is not None:
            seen = [outage.ms for outage in self.outages]
        else:
            seen = [failover.server_ms for failover in self.failovers]
        return max(seen, default=None)

    @property
    def problems(self) -> list[str]:
        """Sentences on what exceeds the budget or was not as asked, without the exit code."""
        found = list(self.failures)
        if self.max_outage_s is not None and self.drill is None:
            found += [
                _too_long(outage, self.max_outage_s)
                for outage in self.outages or ()
                if outage.ms > self.max_outage_s * 1e3
            ]
        if self.drill is not None:
            found += self.drill.verdict.problems
        return found

    @property
    def ok(self) -> bool:
        """Whether the command succeeded within the budget."""
        return self.exit_code == 0 and not self.problems

    def paragraph(self) -> str:
        """Say in one paragraph how the command ended and what the group went through."""
        ended = "succeeded" if self.exit_code == 0 else f"ended with exit code {self.exit_code}"
        said = [f"{self.command_line} {ended} after {self.seconds:.1f} s on {self.group}"]
        went = counted(len(self.failovers), "failover")
        if self.faults:
            kinds = Counter(fault.name for fault in self.faults)
            named = ", ".join(f"{count} {name}" for name, count in sorted(kinds.items()))
            went += f" after {counted(len(self.faults), 'fault')} ({named})"
        said.append(f"{went}{self._longest()}")
        if self.drill is not None:
            findings = self.drill.verdict.findings
            lost = f"{findings.lost:,} lost" if findings.lost else "none lost"
            said.append(f"the drill's load: {findings.acked:,} messages acknowledged, {lost}")
        if self.seed is not None:
            said.append(f"'--seed {self.seed}' repeats it")
        return "; ".join(said)

    def _longest(self) -> str:
        """Say which outage was the longest, or that there was none if a client looked."""
        if self.longest_ms is None:
            return ", no outage" if self.watched else ""
        whose = "" if self.watched else " of the servers"
        return f", longest outage{whose} {self.longest_ms / 1e3:.2f} s"

    def document(self) -> dict[str, Any]:
        """Return it for scripts."""
        return {
            "ok": self.ok,
            "command": list(self.command),
            "exit_code": self.exit_code,
            "problems": self.problems,
            "group": self.group,
            "engine": self.engine,
            "started_at": rfc3339(self.started),
            "ended_at": rfc3339(self.ended),
            "failovers": [failover.document() for failover in self.failovers],
            "faults": [fault.document() for fault in self.faults],
            "longest_outage_ms": self.longest_ms,
            "outages_ms": None if self.outages is None else [outage.ms for outage in self.outages],
            "seed": self.seed,
            "drill": None if self.drill is None else self.drill.document(),
        }


def _too_long(outage: SeenOutage, limit_s: float) -> str:
    end = "" if outage.over else ", and it was not over when the command ended"
    return f"an outage of {outage.ms / 1e3:.3f} s at {rfc3339(outage.began)}{end}; the limit is {limit_s:g} s"
