"""The verdict as a JUnit report: a test case for the drill, with its figures, and one for each phase."""

from __future__ import annotations

from stanlocal.drill.analysis.outcome import Outcome
from stanlocal.util.junit import Case, junit_document

_FIGURES = (
    "acked",
    "delivered",
    "lost",
    "duplicated",
    "reordered",
    "unexpected",
    "unknown",
    "faults",
    "seed",
)
"""Fields of the verdict's document that become properties."""


def junit_report(outcome: Outcome) -> str:
    """Return the XML document; a failure has a problem on each line."""
    findings = outcome.verdict.findings
    name, started = findings.header.drill, findings.header.started
    seconds = ((findings.ended or started) - started).total_seconds()
    document = outcome.document()
    figures = {figure: document[figure] for figure in _FIGURES}
    worst = {"worst_outage_ms": max(document["outages_ms"], default=0.0)}
    case = Case(name, outcome.verdict.problems, seconds=seconds, output=f"ledger: {outcome.ledger}")
    phases = [Case(each.name, seconds=each.seconds, output=each.detail) for each in outcome.phases]
    return junit_document(
        "stanlocal drill",
        name,
        [case, *phases],
        seconds=seconds,
        started=started,
        properties={**figures, **worst, **findings.header.versions},
    )
