"""Random inputs for everything that is read from outside: a result or one line, soon, in little memory.

``python -m tests.soak.fuzzing KIND SEED COUNT FOLDER`` reads COUNT inputs in a process of its own, with
a limit on its memory, and prints what came of it.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import subprocess
import sys
import time
import traceback
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from stanlocal.errors import SettingsError, StanlocalError
from tests.soak.fuzz_kinds import KINDS, Act
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial
from tests.support.cli import ROOT
from tests.support.cost import unmeasured

_MEMORY = 64 << 20
"""Bytes of memory that reading may take above what the process has at its start."""
_ADDRESSES = 512 << 20
"""Bytes of address space above that at which reading ends, so that no input takes the machine's memory."""
_LONGEST_S = 1.0
"""Seconds of processor time that one input may take."""
_IN_MEMORY = Path("/dev/shm")
"""Folder for the inputs that are files: on a disk, a third of the time is theirs."""
_WHOLE_S = 3600.0
"""Seconds after which a trial hangs."""


def fuzz(trial: Trial, folder: Path) -> Result:
    """Read as many inputs of the case's kind as the trial has units, in a process of its own."""
    command = [sys.executable, "-m", "tests.soak.fuzzing", trial.case, str(trial.seed), str(trial.units)]
    with TemporaryDirectory(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else folder) as files:
        try:
            done = subprocess.run(
                [*command, files],
                cwd=ROOT,
                env=unmeasured(),
                capture_output=True,
                text=True,
                timeout=_WHOLE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Result(0, [f"not done within {_WHOLE_S:g} s"])
    if done.returncode:
        return Result(0, [f"exit {done.returncode}: {done.stderr.strip()[-1000:]}"])
    return Result(**json.loads(done.stdout))


def _read(act: Act, seed: int, count: int) -> Result:
    """Read inputs 0 to `count` of a seed; each has a generator of its own, so it can be made alone."""
    problems: list[str] = []
    refused, longest = 0, 0.0
    for number in range(count):
        began = time.process_time()
        try:
            act(Random(f"{seed}/{number}"))
        except StanlocalError as error:
            refused += 1
            lines = error.problems if isinstance(error, SettingsError) else [str(error)]
            if any("\n" in line for line in lines):
                problems.append(f"input {number}: more than one line: {lines!r:.300}")
        except (Exception, MemoryError) as error:  # noqa: BLE001 - whatever it is, it is the finding
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(where.filename).name}:{where.lineno}"
            problems.append(f"input {number}: {type(error).__name__} at {place}: {error!s:.200}")
        took = time.process_time() - began
        longest = max(longest, took)
        if took > _LONGEST_S:
            problems.append(f"input {number}: took {took:.1f} s of processor time")
    return Result(count, problems[:20], (), {"refused": refused}, {"longest_ms": [round(longest * 1e3, 1)]})


def _within_memory(act: Act, seed: int, count: int) -> Result:
    """Read the inputs, and name it as a problem if that took more memory than it may."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = _status("VmRSS")
    resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") + _ADDRESSES,) * 2)
    result = _read(act, seed, count)
    grown = _status("VmHWM") - before
    problems = [*result.problems]
    if grown > _MEMORY:
        problems.append(f"took {grown >> 20} MB above its start")
    figures = {**result.figures, "grown_kb": [grown / 1024]}
    return replace(result, problems=problems, figures=figures)


def _status(name: str) -> int:
    """Return a size of this process in bytes, as the kernel counts it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise KeyError(name)


def main() -> None:
    kind, seed, count, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    os.environ["XDG_STATE_HOME"] = os.environ["XDG_CONFIG_HOME"] = str(folder)
    logging.disable()  # a client says each time that it connects again
    act = KINDS[kind](folder)
    sys.stdout.write(json.dumps(asdict(_within_memory(act, seed, count))))


FUZZ = Row(
    name="fuzz",
    title="Random inputs for everything that is read from outside",
    how=f"sound inputs of {len(KINDS)} kinds ({', '.join(KINDS)}) with one to four random changes each, "
    "a million of each kind. Each has to give a result or one of stanlocal's errors on one line, "
    f"within {_LONGEST_S:g} s of processor time, and the process of each trial may take at most "
    f"{_MEMORY >> 20} MB more than at its start, whatever it has read.",
    unit="inputs",
    wanted=len(KINDS) * 1_000_000,
    per_trial=10_000,
    cases=tuple(KINDS),
    run=fuzz,
    shown={"refused": "refused with an error"},
    figures={"longest_ms": "Longest reading of one input, in each trial"},
)


if __name__ == "__main__":
    main()
