"""The page of a row, made from the record of its run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from stanlocal.util.percentile import percentile
from tests.bench.page import line, page
from tests.soak.histogram import histogram
from tests.soak.row import Row
from tests.soak.totals import all_units, total, values
from tests.soak.trial_log import Entry, Result

_LISTED = 50
"""Problems that a page lists; all are counted."""


def row_page(row: Row, entries: Sequence[Entry], made_again: Sequence[Entry] = ()) -> str:
    """Return the page of a run with at least one trial, complete or not.

    It lists the problems of trials that were made again apart from those of the run.
    """
    units = all_units(entries)
    state = "" if units >= row.wanted else f" **Not complete: {units:,} of {row.wanted:,} {row.unit}.**"
    surroundings = entries[-1].surroundings
    load = sorted(each.surroundings.load for each in entries)
    text = page(
        row.title,
        command=f"python -m tests.soak {row.name}",
        how=f"{row.how}{state}",
        machine=f"{surroundings.machine}; {surroundings.versions}; load {load[0]:g} to {load[-1]:g}",
        columns=("what", "demanded", "found", "holds"),
        rows=_demands(row, entries, units),
    )
    parts = [text, *_by_case(row, entries)]
    for name, title in row.figures.items():
        if drawn := values(entries, name):
            parts += [f"## {title}", "", "```text", histogram(drawn), "```", ""]
    parts += _sentences("Problems", entries, lambda result: result.problems)
    parts += _sentences("Problems of trials that were made again", made_again, lambda result: result.problems)
    parts += _sentences("By the servers themselves", entries, lambda result: result.explained)
    parts += _runs(entries)
    return "\n".join(parts)


def holds(row: Row, entries: Sequence[Entry]) -> bool:
    """Return whether the run is complete and nothing refutes its promise."""
    units = all_units(entries)
    return all(cells[-1] == "yes" for cells in _demands(row, entries, units))


def _demands(row: Row, entries: Sequence[Entry], units: int) -> Iterator[tuple[str, ...]]:
    found = f"{units:,} in {len(entries):,} trials"
    yield row.unit, f"{row.wanted:,}", found, _yes(units >= row.wanted)
    bad = sum(bool(each.result.problems) for each in entries)
    yield "trials with a problem", "0", f"{bad:,}", _yes(not bad)
    for name, what in row.none_of.items():
        number = total(entries, name)
        yield what, "0", f"{number:,}", _yes(not number)
    for name, what in row.shown.items():
        yield what, "", f"{total(entries, name):,}", "yes"


def _yes(does: bool) -> str:
    return "yes" if does else "no"


def _by_case(row: Row, entries: Sequence[Entry]) -> Iterator[str]:
    names = [*row.none_of, *row.shown]
    labels = [*row.none_of.values(), *row.shown.values()]
    drawn = [f"{title}: median, 95 %, longest" for title in row.figures.values()]
    yield line(["case", row.unit, *labels, *drawn])
    yield line(["---"] * (2 + len(labels) + len(drawn)))
    for case in dict.fromkeys(each.trial.case for each in entries):
        those = [each for each in entries if each.trial.case == case]
        units = f"{all_units(those):,}"
        counts = [f"{total(those, name):,}" for name in names]
        spreads = [_spread(values(those, name)) for name in row.figures]
        yield line([case, units, *counts, *spreads])
    yield ""


def _spread(measured: Sequence[float]) -> str:
    if not measured:
        return "-"
    return ", ".join(f"{percentile(measured, share):,.0f}" for share in (50, 95, 100)) + " ms"


def _sentences(title: str, entries: Sequence[Entry], of: Callable[[Result], Sequence[str]]) -> Iterator[str]:
    found = [
        f"- trial {entry.trial.number} ({entry.trial.case}, seed {entry.trial.seed}): {_without_home(text)}"
        for entry in entries
        for text in of(entry.result)
    ]
    if found:
        more = [f"- and {len(found) - _LISTED:,} more"] if len(found) > _LISTED else []
        yield from (f"## {title}", "", *found[:_LISTED], *more, "")


def _without_home(text: str) -> str:
    """Return a text without the name of the folder of whoever made the run."""
    return text.replace(f"{Path.home()}/", "~/")


def _runs(entries: Sequence[Entry]) -> Iterator[str]:
    """Say on which commits the trials were made, and when."""
    commits = Counter(each.surroundings.code for each in entries)
    yield "## Code"
    yield ""
    for commit, trials in commits.items():
        those = [each for each in entries if each.surroundings.code == commit]
        began, ended = min(each.began for each in those), max(each.began for each in those)
        hours = sum(each.seconds for each in those) / 3600
        yield (
            f"- {trials:,} trials on {commit}, from {began:%Y-%m-%d %H:%M} to {ended:%Y-%m-%d %H:%M} UTC, "
            f"{hours:.1f} h in all"
        )
    yield ""
