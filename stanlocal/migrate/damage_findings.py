"""The problems of a store that lose messages or positions, as findings of a plan. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from stanlocal.migrate.findings import Finding, Kind
from stanlocal.store.layout import CLIENTS_FILE, SUBS_FILE
from stanlocal.store.verify import problems
from stanlocal.store.verify.problems import Problem

_REFUSED = frozenset(
    {
        problems.Kind.MESSAGE_DAMAGED,
        problems.Kind.HEAD_DAMAGED,
        problems.Kind.UNDECODABLE,
        problems.Kind.UNDECRYPTABLE,
        problems.Kind.TRUNCATED,
        problems.Kind.MESSAGES_MISSING,
        problems.Kind.ZERO_TAIL,
        problems.Kind.INDEX_MISMATCH,
        problems.Kind.INDEX_ORPHAN,
        problems.Kind.RECORD_DAMAGED,
        problems.Kind.RECORD_TYPE,
        problems.Kind.RECORD_MISFIT,
        problems.Kind.VERSION,
    }
)
_LOST_BEFORE = frozenset({problems.Kind.SEQUENCE_GAP})
"""Problems with which a store is packed as it is."""


def damage_findings(found: Iterable[Problem], more: int, split: Collection[str]) -> list[Finding]:
    """Return one finding for each file of a channel with such problems.

    `more` is the number of problems that are not listed. `split` are the channels that two servers wrote
    into: there an index does not say where messages are, so only positions are judged.
    """
    by_file: dict[str, list[Problem]] = {}
    for problem in found:
        if _is_judged(problem, split):
            by_file.setdefault(problem.file, []).append(problem)
    findings = [_of_file(file, several) for file, several in by_file.items()]
    if more:
        detail, advice = f"{more} more problems are not listed", "see 'stanlocal store verify'"
        findings.append(Finding(Kind.DAMAGED, "", detail, advice, salvaged=True))
    return findings


def _is_judged(problem: Problem, split: Collection[str]) -> bool:
    if problem.kind is problems.Kind.UNREADABLE:  # also a whole channel, of which only the folder is named
        return problem.file != CLIENTS_FILE
    channel, _, name = problem.file.rpartition("/")
    judged = bool(channel) and (name == SUBS_FILE or channel not in split)
    return judged and problem.kind in _REFUSED | _LOST_BEFORE


def _of_file(file: str, several: list[Problem]) -> Finding:
    first = several[0]
    if first.kind is problems.Kind.UNREADABLE:  # there is nothing to salvage
        return Finding(Kind.DAMAGED, file, f"{file}: {first.detail}", first.fix, refused=True)
    more = f", and {len(several) - 1} more" if len(several) > 1 else ""
    refused = any(problem.kind in _REFUSED for problem in several)
    salvage = "; or pack what is intact with '--salvage'" if refused else ", and the gap stays"
    return Finding(
        Kind.DAMAGED,
        file.rpartition("/")[0],
        f"{file}: {first.detail}{more}",
        f"{first.fix}{salvage}",
        salvaged=refused,
    )
