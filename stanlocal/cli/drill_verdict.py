"""The verdict of a drill for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stanlocal.cli import printing
from stanlocal.util.format import counted
from stanlocal.util.styled import Styled

if TYPE_CHECKING:
    from stanlocal.drill.analysis.outcome import Outcome

_SHOWN = 20
"""Number of problems shown; the JSON and the reports have all."""


def show(outcome: Outcome) -> None:
    """Print the verdict."""
    verdict = outcome.verdict
    word = Styled("ok", "bold green")
    if not verdict.ok:
        word = Styled(f"BAD, {counted(len(verdict.problems), 'problem')}", "bold red")
    cut = "" if outcome.ended == "whole" else f" ({outcome.ended})"
    printing.echo(f"{outcome.header.drill}: ", word, cut)
    for phase in outcome.phases:
        printing.echo(f"  {phase.name:<17} {phase.seconds:>7.2f} s  {phase.detail}")
    for name, figures in summary(outcome):
        printing.echo(f"  {name:<10} {figures}")
    for problem in verdict.problems[:_SHOWN]:
        printing.echo("  ", Styled("!!", "bold red"), f" {problem}")
    if len(verdict.problems) > _SHOWN:
        printing.echo(f"  and {len(verdict.problems) - _SHOWN} more; see '--json' or '--html FILE'")


def summary(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Yield the figures with their names."""
    from stanlocal.util.percentile import percentile

    found = outcome.verdict.findings
    yield (
        "messages",
        f"{found.acked:,} acknowledged, {found.delivered:,} delivered, {found.unknown:,} never answered",
    )
    yield "lost", f"{found.lost:,}"
    again = {
        "flagged": found.redelivered,
        "unflagged after a failover": found.repeated,
        "stored twice": found.stored_twice,
        "unexplained": found.unflagged,
    }
    causes = ", ".join(f"{count:,} {what}" for what, count in again.items() if count)
    yield "again", f"{found.duplicated:,} deliveries{f': {causes}' if causes else ''}"
    if found.reordered:
        yield "reordered", f"{found.reordered:,}"
    felt = sorted(each.ms for each in found.outages if each.publisher is None)
    if felt:
        median = percentile(felt, 50)
        yield "outages", f"{len(felt)}, median {median:,.0f} ms, worst {felt[-1]:,.0f} ms"
    yield "failovers", f"{len(found.failovers)} after {found.faults} faults"
    yield "seed", f"{outcome.header.seed}"
    yield "ledger", str(outcome.ledger)
