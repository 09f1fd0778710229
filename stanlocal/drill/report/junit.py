"""The verdict as a JUnit report, which CI servers show: a test case for the drill, with its figures."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from stanlocal.drill.analysis.outcome import Outcome
from stanlocal.util.printable import printable
from stanlocal.util.timestamps import rfc3339

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
    findings, problems = outcome.verdict.findings, outcome.verdict.problems
    started = findings.header.started
    counts = {"tests": "1", "failures": str(int(bool(problems))), "errors": "0", "skipped": "0"}
    took = {"time": f"{((findings.ended or started) - started).total_seconds():.3f}"}
    name = _text(findings.header.drill)
    root = Xml.Element("testsuites", {"name": "stanlocal drill", **counts, **took})
    stamp = {"timestamp": rfc3339(started)}
    suite = Xml.SubElement(root, "testsuite", {"name": name, **counts, **took, **stamp})
    properties = Xml.SubElement(suite, "properties")
    document = outcome.document()
    figures = {figure: document[figure] for figure in _FIGURES}
    worst = max(document["outages_ms"], default=0.0)
    for key, value in {**figures, "worst_outage_ms": worst, **findings.header.versions}.items():
        Xml.SubElement(properties, "property", {"name": _text(key), "value": _text(str(value))})
    case = Xml.SubElement(suite, "testcase", {"classname": "stanlocal.drill", "name": name, **took})
    if problems:
        first = problems[0] if len(problems) == 1 else f"{len(problems)} problems"
        failure = Xml.SubElement(case, "failure", {"message": _text(first), "type": "verdict"})
        failure.text = _text("\n".join(problems))
    Xml.SubElement(case, "system-out").text = _text(f"ledger: {outcome.ledger}")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _text(text: str) -> str:
    """Escape characters that XML cannot hold, or that reorder text."""
    return printable(text, keep="\n\t")
