"""The report of a drill: one HTML file that has no script and loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stanlocal.drill.analysis.findings import Findings
from stanlocal.drill.analysis.outcome import Outcome, Phase
from stanlocal.drill.ledger.entries import Header, Note
from stanlocal.drill.report import charts
from stanlocal.drill.report.lanes import clock, fault_text, lanes, length_s, ticks
from stanlocal.history import charts as failover_charts
from stanlocal.history.failovers import PHASES, Failover
from stanlocal.util.html_page import html_page
from stanlocal.util.percentile import percentile

_TEMPLATE = Path(__file__).with_name("report.html.jinja")


def page(outcome: Outcome) -> str:
    """Return the report as an HTML page. Whatever a ledger holds is shown as text."""
    from markupsafe import Markup

    found = outcome.verdict.findings
    failovers = list(_failovers(found))
    return html_page(
        _TEMPLATE,
        {"clock": clock, "audience": _audience},
        outcome=outcome,
        verdict=outcome.verdict,
        found=found,
        header=found.header,
        scenario=_last(outcome, "scenario"),
        figures=_figures(found),
        lanes=lanes(found),
        length=length_s(found),
        took=f"{length_s(found):.0f} s" if length_s(found) < 120 else f"{clock(int(length_s(found)))} min",
        settings=_settings(found.header),
        ticks=ticks(length_s(found)),
        rates=Markup(charts.rates(found)),
        outages=Markup(charts.outages(found)),
        drawn=Markup(failover_charts.svg(failovers)),
        failovers=failovers,
        phases=PHASES,
        faults=_faults(outcome),
        fault_text=fault_text,
        alone=_alone,
        story=_story(found),
        since=lambda moment: (moment - found.header.started).total_seconds(),
    )


def _audience(name: str) -> str:
    return "the store at the end" if name == "audit" else name


def _failovers(found: Findings) -> Iterator[Failover]:
    """Yield the well-formed failovers of the ledger."""
    for document in found.failovers:
        try:
            yield Failover.from_document(document)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # a ledger that was changed from outside


def _figures(found: Findings) -> Sequence[tuple[str, str]]:
    felt = sorted(each.ms for each in found.outages if each.publisher is None)
    spread = "none"
    if felt:
        shares = ", ".join(f"{percentile(felt, share):,.0f} ms in {share} %" for share in (50, 95))
        spread = f"{len(felt)}: at most {shares}; the longest {felt[-1]:,.0f} ms"
    return [
        ("published", f"{found.published:,}"),
        ("acknowledged", f"{found.acked:,}"),
        ("refused", f"{found.refused:,}"),
        ("never answered, stored or not", f"{found.unknown:,}"),
        ("delivered", f"{found.delivered:,}"),
        ("acknowledged and lost to some subscriber", f"{found.lost:,}"),
        ("acknowledged and lost to all", f"{found.undelivered:,}"),
        ("delivered again, and flagged so", f"{found.redelivered:,}"),
        ("delivered again without a flag, after a failover", f"{found.repeated:,}"),
        ("delivered again without a flag, unexplained", f"{found.unflagged:,}"),
        ("stored twice, as a publisher sent it again", f"{found.stored_twice:,}"),
        ("out of the order of their publisher", f"{found.reordered:,}"),
        ("never published, and delivered", f"{found.unexpected:,}"),
        ("damaged, or not of this drill", f"{found.wrong:,}"),
        ("sequences never delivered", f"{found.gaps:,}"),
        ("sequences with two messages", f"{found.forked:,}"),
        ("outages", spread),
    ]


def _faults(outcome: Outcome) -> Sequence[Mapping[str, Any]]:
    """Return the faults as recorded at the end, with their outcomes; else as they came."""
    recorded = _last(outcome, "faults").get("faults")
    if not isinstance(recorded, list):
        recorded = list({str(note.fields.get("id")): note.fields for note in outcome.notes("fault")}.values())
    return [each for each in recorded if isinstance(each, dict)]


def _alone(fault: Mapping[str, Any]) -> str:
    """Return the channels and sequences that only one of two actives acknowledged, in words."""
    lost = fault.get("lost")
    if not isinstance(lost, dict):
        return ""
    spans = {channel: ends for channel, ends in lost.items() if isinstance(ends, list)}
    return ", ".join(f"{channel} sequences {' to '.join(map(str, ends))}" for channel, ends in spans.items())


def _story(found: Findings) -> Sequence[tuple[float, str]]:
    """Return the drill's events in words, with their times."""
    recorded = [(note.time, words) for note in found.notes if (words := _words(note))]
    started = found.header.started
    return [((time - started).total_seconds(), words) for time, words in sorted(recorded)]


def _words(note: Note) -> str | None:
    of = note.fields
    match note.kind:
        case "step":
            return f"step {of.get('number')}: {of.get('step')}"
        case "fault":
            return f"{of.get('node')} is hit by {of.get('name')}"
        case "heal":
            return f"{fault_text(of)} is over"
        case "role":
            marks = "".join(f", {mark}" for mark in ("paused", "partitioned") if of.get(mark))
            return f"{of.get('node')} is {of.get('to')}{marks}"
        case "failover":
            return f"failover: {of.get('from')} to {of.get('to')}"
        case "said" if of.get("node"):
            return f"{of.get('node')}: {of.get('problem')}"
        case "phase":
            phase = Phase.of(note)
            return f"{phase.name} is done, after {phase.seconds:.2f} s"
        case "problem":
            return f"PROBLEM: {of.get('text')}"
    return None


def _settings(header: Header) -> Sequence[tuple[str, str]]:
    """Return the drill's settings in words, without unset ones."""
    given = {"versions": header.versions, **header.settings, "load": header.load.document()}
    return [(name, words) for name, value in given.items() if (words := _in_words(value))]


def _in_words(value: object) -> str:
    match value:
        case None:
            return ""
        case dict():
            return ", ".join(f"{name} {words}" for name, each in value.items() if (words := _in_words(each)))
        case list():
            return " ".join(map(_in_words, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _last(outcome: Outcome, kind: str) -> Mapping[str, Any]:
    """Return the fields of the last note of that kind; empty where there is none."""
    notes = outcome.notes(kind)
    return notes[-1].fields if notes else {}
