"""JUnit reports, which CI servers show: one suite of test cases. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as Xml

from stanlocal.util.printable import printable
from stanlocal.util.timestamps import rfc3339


@dataclass(frozen=True, slots=True)
class Case:
    """One test case; it failed if it has problems."""

    name: str
    problems: Sequence[str] = ()
    kind: str = "verdict"
    """Type of its failure."""
    seconds: float | None = None
    output: str | None = None


def junit_document(
    title: str,
    suite: str,
    cases: Sequence[Case],
    *,
    seconds: float,
    started: datetime | None = None,
    properties: Mapping[str, object] | None = None,
) -> str:
    """Return the XML document; a failure has a problem on each line.

    The cases' class is the title with dots. Characters that XML cannot hold are escaped.
    """
    failed = sum(bool(case.problems) for case in cases)
    counts = {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "skipped": "0"}
    took = {"time": f"{seconds:.3f}"}
    root = Xml.Element("testsuites", {"name": _text(title), **counts, **took})
    stamp = {"timestamp": rfc3339(started)} if started is not None else {}
    inner = Xml.SubElement(root, "testsuite", {"name": _text(suite), **counts, **took, **stamp})
    if properties:
        listed = Xml.SubElement(inner, "properties")
        for name, value in properties.items():
            Xml.SubElement(listed, "property", {"name": _text(name), "value": _text(str(value))})
    for case in cases:
        _add(inner, case, title.replace(" ", "."))
    return f'<?xml version="1.0" encoding="utf-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _add(suite: Xml.Element, case: Case, classname: str) -> None:
    took = {} if case.seconds is None else {"time": f"{case.seconds:.3f}"}
    added = Xml.SubElement(suite, "testcase", {"classname": classname, "name": _text(case.name), **took})
    if case.problems:
        first = case.problems[0] if len(case.problems) == 1 else f"{len(case.problems)} problems"
        failure = Xml.SubElement(added, "failure", {"message": _text(first), "type": case.kind})
        failure.text = _text("\n".join(case.problems))
    if case.output is not None:
        Xml.SubElement(added, "system-out").text = _text(case.output)


def _text(text: str) -> str:
    """Escape characters that XML cannot hold, or that reorder text."""
    return printable(text, keep="\n\t")
