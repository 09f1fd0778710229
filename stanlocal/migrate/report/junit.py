"""A rehearsal as a JUnit report: a test case for each stream and each consumer."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as Xml

from stanlocal.migrate.rehearsal import Rehearsal
from stanlocal.util.printable import printable


def junit_report(rehearsal: Rehearsal) -> str:
    """Return the XML document."""
    cases = list(_cases(rehearsal))
    failed = sum(bool(problems) for _, problems in cases)
    took = {"time": f"{sum(step.seconds for step in rehearsal.steps):.3f}"}
    counts = {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "skipped": "0", **took}
    root = Xml.Element("testsuites", {"name": "stanlocal migrate", **counts})
    suite = Xml.SubElement(root, "testsuite", {"name": "rehearse", **counts})
    for name, problems in cases:
        case = Xml.SubElement(suite, "testcase", {"classname": "stanlocal.migrate", "name": _text(name)})
        if problems:
            failure = Xml.SubElement(case, "failure", {"message": _text(problems[0]), "type": "verdict"})
            failure.text = _text("\n".join(problems))
    return f'<?xml version="1.0" encoding="utf-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _cases(rehearsal: Rehearsal) -> Iterator[tuple[str, list[str]]]:
    for when, verification in zip(("loaded", "restarted"), rehearsal.verifications, strict=False):
        for stream in verification.streams:
            yield f"{stream.stream} {when}", [each.detail for each in stream.differences.listed]
    for redelivery in rehearsal.redeliveries:
        yield f"{redelivery.stream} {redelivery.consumer} redelivered", redelivery.problems


def _text(text: str) -> str:
    return printable(text, keep="\n\t")
