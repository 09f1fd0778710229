"""Makes evidence runs: ``python -m tests.soak ROW``, again and again until all its trials are made.

A run that was stopped, in whatever way, continues from there. `--page` writes the page of a complete run
to tests/soak/results; with `--partial` also of one that is not complete, which the page then says.
`--summary` writes the page for users that sums all runs up. Exits with 1 when the row does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from stanlocal.machine.user_dirs import cache_folder
from tests.soak import apart, frame
from tests.soak.evidence import evidence_page
from tests.soak.page import holds, row_page
from tests.soak.row import Row
from tests.soak.rows import ROWS
from tests.soak.trial_log import TrialLog
from tests.support.cli import ROOT

RESULTS = Path(__file__).parent / "results"
SUMMARY = ROOT / "docs" / "evidence.md"
SEED = 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("row", nargs="?", choices=sorted(ROWS), help="the row; without it, all are listed")
    parser.add_argument("--until", type=int, metavar="N", help="end at so many; else at the row's count")
    parser.add_argument("--seed", type=int, default=SEED, help=f"seed of the run ({SEED})")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="make so many trials at a time (1)")
    parser.add_argument("--cases", help="only trials of these cases, comma separated")
    parser.add_argument("--out", type=Path, help="folder of the run's record and of what failed trials leave")
    parser.add_argument("--again", action="store_true", help="make trials that had problems again, first")
    parser.add_argument("--page", action="store_true", help="make no trial, write the page")
    parser.add_argument("--summary", action="store_true", help="make no trial, write docs/evidence.md")
    parser.add_argument("--partial", action="store_true", help="write the page of an incomplete run, too")
    options = parser.parse_args()
    folder = options.out or cache_folder() / "soak"
    folder.mkdir(parents=True, exist_ok=True)
    if options.summary:
        return _summary(folder, options.seed)
    if options.row is None:
        return _list()
    row = ROWS[options.row]
    log = TrialLog(folder / f"{row.name}.jsonl", options.seed)
    if options.page:
        return _page(row, log, partial=options.partial)
    only = options.cases.split(",") if options.cases else []
    if unknown := [case for case in only if case not in row.cases]:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(row.cases)}")
    if options.again:
        log.set_problems_aside()
    os.nice(5)  # whoever works on the machine comes first
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    until = options.until or row.wanted
    trials = folder / "trials"
    try:
        made = frame.run(
            row, log, trials, until=until, say=_say, make=apart.make, jobs=options.jobs, only=only
        )
        asyncio.run(made)
    except KeyboardInterrupt:  # the trials have removed their groups
        _say(f"ended with {log.units:,} of {row.wanted:,} {row.unit}; the same command goes on from there")
        return 130
    return 0 if not any(entry.result.problems for entry in log.entries) else 1


def _list() -> int:
    for row in ROWS.values():
        _say(f"{row.name:<16} {row.wanted:>9,} {row.unit:<16} {row.title}")
    return 0


def _page(row: Row, log: TrialLog, *, partial: bool) -> int:
    if not log.entries or (log.units < row.wanted and not partial):
        _say(f"{log.units:,} of {row.wanted:,} {row.unit}: no page yet")
        return 1
    text = row_page(row, log.entries, log.made_again)
    RESULTS.mkdir(exist_ok=True)
    _page_of(row).write_text(text, "utf-8")
    _say(text)
    return 0 if holds(row, log.entries) else 1


def _summary(folder: Path, seed: int) -> int:
    """Write the page over all rows that have a page of their own."""
    shown = [row for row in ROWS.values() if _page_of(row).exists()]
    runs = [(row, TrialLog(folder / f"{row.name}.jsonl", seed).entries) for row in shown]
    SUMMARY.write_text(evidence_page(runs), "utf-8")
    missing = [row.name for row in ROWS.values() if row not in shown]
    if missing:
        _say(f"without a page, so not summed up: {', '.join(missing)}")
    return 1 if missing else 0


def _page_of(row: Row) -> Path:
    return RESULTS / f"{row.name}.md"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
