"""Judging findings by a budget: the verdict of a drill. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from stanlocal.drill.analysis.findings import FeltOutage, Findings, Messages
from stanlocal.util.timestamps import rfc3339

_NAMED = 5
"""Number of runs of messages that a sentence names; the verdict's JSON has more."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of what a drill may cost; None for no limit. Numbers count messages, deliveries or sequences."""

    max_outage: float | None = None
    """Length in seconds of the longest outage, as all publishers together saw it."""
    max_lost: int | None = 0
    max_duplicates: int | None = None
    max_reordered: int | None = None
    max_unexpected: int | None = 0
    max_wrong: int | None = 0
    max_gaps: int | None = 0
    max_forked: int | None = 0
    max_unknown: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a drill: its findings, and every problem found in them."""

    findings: Findings
    budget: Budget
    problems: tuple[str, ...] = ()
    """Sentences on what exceeds the budget or ended the drill early, with the messages' numbers."""

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return it as the contract shows it."""
        found = self.findings
        together = [each for each in found.outages if each.publisher is None]
        alone = [each for each in found.outages if each.publisher is not None]
        return {
            "ok": self.ok,
            "problems": list(self.problems),
            "drill": found.header.drill,
            "group": found.header.group,
            "seed": found.header.seed,
            "started_at": rfc3339(found.header.started),
            "ended_at": rfc3339(found.ended) if found.ended else None,
            "complete": found.drained and found.torn is None,
            "torn": found.torn,
            "published": found.published,
            "acked": found.acked,
            "refused": found.refused,
            "unknown": found.unknown,
            "delivered": found.delivered,
            "lost": found.lost,
            "undelivered": found.undelivered,
            "lost_messages": [each.document() for each in found.lost_messages],
            "pending": found.pending,
            "duplicated": found.duplicated,
            "duplicates": {
                "redelivered": found.redelivered,
                "after_failover": found.repeated,
                "unexplained": found.unflagged,
                "stored_twice": found.stored_twice,
            },
            "reordered": found.reordered,
            "unexpected": found.unexpected,
            "wrong": found.wrong,
            "gaps": found.gaps,
            "gap_sequences": [each.document() for each in found.gap_sequences],
            "forked": found.forked,
            "forked_sequences": [each.document() for each in found.forked_sequences],
            "faults": found.faults,
            "failovers": [dict(each) for each in found.failovers],
            "outages_ms": [each.ms for each in together],
            "outages": [_outage(each) for each in together],
            "publisher_outages": [_outage(each) for each in alone],
            "budget": asdict(self.budget),
        }


def judge(findings: Findings, budget: Budget) -> Verdict:
    """Compare findings with a budget."""
    return Verdict(findings, budget, tuple(_problems(findings, budget)))


def _problems(found: Findings, budget: Budget) -> Iterator[str]:
    yield from (str(note.fields.get("text", "")) for note in found.notes if note.kind == "problem")
    if not found.acked:
        yield f"nothing was acknowledged, {found.published:,} messages were published"
    if _over(found.lost, budget.max_lost):
        for (missing_at, had_by), messages in groupby(sorted(found.lost_messages, key=_where), _where):
            yield _lost(missing_at, had_by, list(messages))
    allowed = (
        (found.duplicated, budget.max_duplicates, "deliveries were not the first of their message"),
        (found.reordered, budget.max_reordered, "messages came behind a later one of their publisher"),
        (found.unexpected, budget.max_unexpected, "deliveries were of messages that were never published"),
        (found.wrong, budget.max_wrong, "deliveries were damaged, or no messages of this drill"),
        (found.unknown, budget.max_unknown, "messages were published and never answered: stored or not"),
    )
    for count, most, what in allowed:
        if _over(count, most):
            yield f"{count:,} {what}; at most {most:,} are allowed"
    if _over(found.gaps, budget.max_gaps):
        yield f"{found.gaps:,} sequences were never delivered: {_named(found.gap_sequences)}"
    if _over(found.forked, budget.max_forked):
        yield f"{found.forked:,} sequences had two messages each: {_named(found.forked_sequences)}"
    if budget.max_outage is not None:
        for outage in found.outages:
            if outage.publisher is None and outage.ms > budget.max_outage * 1e3:
                yield _too_long(outage, budget.max_outage)


def _over(count: int, most: int | None) -> bool:
    return most is not None and count > most


def _where(messages: Messages) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return messages.missing_at, messages.had_by


def _lost(missing_at: Sequence[str], had_by: Sequence[str], messages: Sequence[Messages]) -> str:
    count = sum(each.count for each in messages)
    what, them = ("message is", "it") if count == 1 else ("messages are", "them")
    where = " and ".join("in the store at the end" if at == "audit" else f"at {at}" for at in missing_at)
    had = ", ".join("the store at the end" if by == "audit" else by for by in had_by)
    who = f"only {had} had {them}" if had else f"no one had {them}"
    return f"{count:,} acknowledged {what} missing {where}, {who}: {_named(messages)}"


def _named(ranges: Sequence[object]) -> str:
    rest = f" and {len(ranges) - _NAMED:,} more" if len(ranges) > _NAMED else ""
    return ", ".join(str(each) for each in ranges[:_NAMED]) + rest


def _too_long(outage: FeltOutage, most: float) -> str:
    cause = f"after {outage.fault}" if outage.fault else "that no fault explains"
    end = "" if outage.first_ack else ", and no ack came afterwards"
    length, began = f"{outage.ms / 1e3:.3f} s", rfc3339(outage.began)
    return f"an outage of {length} {cause} at {began}; the limit is {most:g} s{end}"


def _outage(outage: FeltOutage) -> dict[str, Any]:
    return {
        "publisher": outage.publisher,
        "fault": outage.fault,
        "last_ack": rfc3339(outage.last_ack) if outage.last_ack else None,
        "began": rfc3339(outage.began),
        "first_ack": rfc3339(outage.first_ack) if outage.first_ack else None,
        "ms": outage.ms,
    }
