"""The outcome of a drill, derived from its ledger alone, so that a drill that was killed has one too."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from stanlocal.drill.analysis.checker import check
from stanlocal.drill.analysis.verdict import Budget, Verdict, judge
from stanlocal.drill.ledger.entries import Header, Note
from stanlocal.drill.ledger.reader import read


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a drill that plays a script."""

    name: str
    seconds: float
    detail: str = ""
    pause_s: float | None = None
    """Seconds without an acknowledgement while publishers moved; None where they did not."""

    @classmethod
    def of(cls, note: Note) -> Phase:
        """Return the phase that a note records; figures that are none are 0, as a file may be changed."""
        name, seconds, detail, pause = (
            note.fields.get(key) for key in ("name", "seconds", "detail", "pause_s")
        )
        return cls(
            str(name),
            float(seconds) if isinstance(seconds, int | float) else 0.0,
            str(detail or ""),
            float(pause) if isinstance(pause, int | float) else None,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A drill that is over."""

    verdict: Verdict
    ledger: Path

    @property
    def header(self) -> Header:
        """The drill's load, seed, settings and versions."""
        return self.verdict.findings.header

    def notes(self, kind: str) -> list[Note]:
        """Return the notes of that kind, in order."""
        return [note for note in self.verdict.findings.notes if note.kind == kind]

    @property
    def phases(self) -> list[Phase]:
        """Its phases, if it played a script."""
        return [Phase.of(note) for note in self.notes("phase")]

    @property
    def ended(self) -> str:
        """How it ended: `whole`; `interrupted` by Ctrl-C, but healed; or `killed` before its end."""
        ends = self.notes("end")
        if not ends:
            return "killed"
        return "interrupted" if ends[-1].fields.get("interrupted") else "whole"

    def document(self) -> dict[str, Any]:
        """Return the verdict as the contract shows it, with the path of its ledger."""
        return {
            **self.verdict.as_json(),
            "ended": self.ended,
            "ledger": str(self.ledger),
            **({"phases": [asdict(phase) for phase in self.phases]} if self.phases else {}),
        }


def judged(ledger: Path, **limits: float | None) -> Outcome:
    """Judge a ledger by the drill's own budget, except for the limits given.

    Raises `LedgerError` when there is no ledger of a drill.
    """
    findings = check(read(ledger))
    written = findings.header.settings.get("budget")
    known = {each.name for each in fields(Budget)}
    budget = {name: limit for name, limit in _limits(written).items() if name in known}
    budget |= {name: limit for name, limit in limits.items() if limit is not None}
    return Outcome(judge(findings, Budget(**budget)), ledger)


def _limits(written: object) -> dict[str, Any]:
    """Return the valid limits in a header."""
    if not isinstance(written, dict):
        return {}
    return {name: limit for name, limit in written.items() if limit is None or isinstance(limit, int | float)}
