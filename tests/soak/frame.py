"""The frame of all runs: makes trials, one or several at a time, and records each when it is done."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stanlocal.errors import StanlocalError
from tests.soak import surroundings
from tests.soak.row import Row
from tests.soak.trial_log import Entry, Result, Trial, TrialLog, in_brief
from tests.support.binary import find_server
from tests.support.ports import groups_in_a_block

Make = Callable[[Row, Trial, Path], Awaitable[Entry]]
"""Makes a trial, whose folder is the given one."""

_IN_A_ROW = 5
"""Failed trials in a row that end a run: its surroundings are broken, not what it tries."""


async def run(
    row: Row,
    log: TrialLog,
    folder: Path,
    *,
    until: int,
    say: Callable[[str], None],
    make: Make,
    jobs: int = 1,
    only: Sequence[str] = (),
) -> None:
    """Make trials until `until` units are made, or several trials in a row have problems.

    `jobs` trials are made at a time, with `only` none but those of these cases. Each has a folder of its own
    in `folder`, which is kept if it has problems or losses. A run that is cancelled cancels the trials under
    way, which are not recorded.
    """
    trials = log.trials(row.cases, row.per_trial, only)
    running: dict[asyncio.Task[Entry], int] = {}
    failed = 0
    try:
        while failed < _IN_A_ROW:
            while len(running) < jobs and (left := until - log.units - sum(running.values())) > 0:
                trial = next(trials)
                trial = replace(trial, units=min(trial.units, left))
                made = asyncio.create_task(_made(make, row, trial, folder))
                running[made] = trial.units
            if not running:
                return
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                del running[each]
                entry = each.result()
                log.append(entry)
                failed = failed + 1 if entry.result.problems else 0
                say(_told(entry, row, log, until))
        say(f"ended: {failed} trials in a row had problems")
    finally:
        for each in running:
            each.cancel()
        if running:
            await asyncio.wait(running)


def _told(entry: Entry, row: Row, log: TrialLog, until: int) -> str:
    trial, result = entry.trial, entry.result
    said = "; ".join([*result.problems, *result.explained]) or "ok"
    which = f"trial {trial.number} ({trial.case}, {entry.seconds:.0f} s)"
    return f"{log.units} of {until} {row.unit}, {which}: {said}"


async def _made(make: Make, row: Row, trial: Trial, folder: Path) -> Entry:
    mine = folder / f"{row.name}-{trial.number}"
    shutil.rmtree(mine, ignore_errors=True)  # of a run that was ended in the middle of this trial
    mine.mkdir(parents=True)
    entry = await make(row, trial, mine)
    if not entry.result.problems and not entry.result.explained:
        shutil.rmtree(mine)
    return entry


def made(row: Row, trial: Trial, folder: Path) -> Entry:
    """Make a trial in this process."""
    began, clock = datetime.now(UTC), time.monotonic()
    try:
        result = row.run(trial, folder)
    except (StanlocalError, AssertionError) as error:
        result = Result(0, [f"{type(error).__name__}: {in_brief(str(error))}"])
    return Entry(trial, result, began, round(time.monotonic() - clock, 1), surroundings.now())


@contextmanager
def own_surroundings(folder: Path) -> Iterator[None]:
    """Keep groups of a trial apart from the user's: their state, settings and ports are its own.

    The cache stays the user's: it holds the server's binary.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("STANLOCAL_")]:
            patch.delenv(name)
        if (server := find_server()) is not None:
            patch.setenv("STANLOCAL_SERVER_BINARY", str(server))
        for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            place = folder / variable.split("_")[1].lower()
            place.mkdir(parents=True, exist_ok=True)
            patch.setenv(variable, str(place))
        with groups_in_a_block():
            yield
