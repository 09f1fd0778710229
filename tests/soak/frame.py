"""The frame of all runs: makes trials one after the other, and records each when it is done."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
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

_IN_A_ROW = 5
"""Failed trials in a row that end a run: its surroundings are broken, not what it tries."""


def run(row: Row, log: TrialLog, folder: Path, *, until: int, say: Callable[[str], None]) -> None:
    """Make trials until `until` units are made, or several trials in a row have problems.

    Each trial has a folder of its own in `folder`, which is kept if it has problems or losses.
    """
    failed = 0
    for trial in log.trials(row.cases, row.per_trial):
        left = until - log.units
        if left <= 0:
            return
        entry = _made(row, replace(trial, units=min(row.per_trial, left)), folder)
        log.append(entry)
        result = entry.result
        failed = failed + 1 if result.problems else 0
        say(
            f"{log.units} of {until} {row.unit}, trial {trial.number} ({trial.case}, {entry.seconds:.0f} s): "
            f"{'; '.join([*result.problems, *result.explained]) or 'ok'}"
        )
        if failed == _IN_A_ROW:
            say(f"ended: {failed} trials in a row had problems")
            return


def _made(row: Row, trial: Trial, folder: Path) -> Entry:
    mine = folder / f"{row.name}-{trial.number}"
    shutil.rmtree(mine, ignore_errors=True)  # of a run that was ended in the middle of this trial
    mine.mkdir(parents=True)
    began, clock = datetime.now(UTC), time.monotonic()
    try:
        result = row.run(trial, mine)
    except (StanlocalError, AssertionError) as error:
        result = Result(0, [f"{type(error).__name__}: {in_brief(str(error))}"])
    if not result.problems and not result.explained:
        shutil.rmtree(mine)
    return Entry(trial, result, began, round(time.monotonic() - clock, 1), surroundings.now())


@contextmanager
def own_surroundings(folder: Path) -> Iterator[None]:
    """Keep groups of the run apart from the user's: their state, settings and ports are its own.

    The cache stays the user's: it holds the server's binary.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("STANLOCAL_")]:
            patch.delenv(name)
        if (server := find_server()) is not None:
            patch.setenv("STANLOCAL_SERVER_BINARY", str(server))
        for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            place = folder / variable.lower()
            place.mkdir(parents=True, exist_ok=True)
            patch.setenv(variable, str(place))
        with groups_in_a_block():
            yield
