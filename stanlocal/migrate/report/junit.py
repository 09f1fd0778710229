"""A rehearsal as a JUnit report: a test case for each stream and each consumer."""

from __future__ import annotations

from collections.abc import Iterator

from stanlocal.migrate.rehearsal import Rehearsal
from stanlocal.util.junit import Case, junit_document


def junit_report(rehearsal: Rehearsal) -> str:
    """Return the XML document."""
    seconds = sum(step.seconds for step in rehearsal.steps)
    return junit_document("stanlocal migrate", "rehearse", list(_cases(rehearsal)), seconds=seconds)


def _cases(rehearsal: Rehearsal) -> Iterator[Case]:
    for when, verification in zip(("loaded", "restarted"), rehearsal.verifications, strict=False):
        for stream in verification.streams:
            problems = [each.detail for each in stream.differences.listed]
            yield Case(f"{stream.stream} {when}", problems)
    for redelivery in rehearsal.redeliveries:
        yield Case(f"{redelivery.stream} {redelivery.consumer} redelivered", redelivery.problems)
