"""The reports of a command that ran on a group: one HTML file without scripts, and JUnit."""

from __future__ import annotations

from pathlib import Path

from stanlocal.history.charts import svg
from stanlocal.history.failovers import PHASES
from stanlocal.history.timeline import in_words
from stanlocal.testing.run.outcome import RunOutcome
from stanlocal.util.html_page import html_page
from stanlocal.util.junit import Case, junit_document

_TEMPLATE = Path(__file__).with_name("report.html.jinja")


def page(outcome: RunOutcome) -> str:
    """Return the report as an HTML page. Whatever the servers wrote is shown as text."""
    from markupsafe import Markup

    return html_page(
        _TEMPLATE,
        outcome=outcome,
        longest=None if outcome.longest_ms is None else f"{outcome.longest_ms / 1e3:.3f} s",
        watched=outcome.watched,
        drawn=Markup(svg(outcome.failovers)),
        phases=PHASES,
        story=[(event.time, event.node or "", event.type, in_words(event)) for event in outcome.events],
    )


def junit_report(outcome: RunOutcome) -> str:
    """Return the XML document: one test case, which fails with the command or with the budget."""
    failed = [f"exit code {outcome.exit_code}"] if outcome.exit_code else []
    drill = {} if outcome.drill is None else {"drill": outcome.drill.header.drill}
    case = Case(
        outcome.command_line,
        [*failed, *outcome.problems],
        kind="exit" if failed else "verdict",
        seconds=outcome.seconds,
        output="\n".join([outcome.paragraph(), *(f"\n{title}\n{text}" for title, text in outcome.sections)]),
    )
    return junit_document(
        "stanlocal run",
        outcome.command_line,
        [case],
        seconds=outcome.seconds,
        started=outcome.started,
        properties={
            "group": outcome.group,
            "engine": outcome.engine,
            "failovers": len(outcome.failovers),
            "faults": len(outcome.faults),
            "longest_outage_ms": outcome.longest_ms or 0.0,
            **drill,
            **({} if outcome.seed is None else {"seed": outcome.seed}),
        },
    )
