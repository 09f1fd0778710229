"""The clock stepped by an hour while a command runs: it ends in time, and the next ones recover everything.

libfaketime steps the clock of the tool, and of the supervisors of processes. The servers read the kernel's
own clock and keep it, as servers on another machine would.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from random import Random

from tests.soak.commands import CHANGING, UP, Changing, Words
from tests.soak.own_tool import OwnTool, own_tool
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial, in_brief

_STEPS_S = (3600, -3600)
_KEPT_TRIALS: tuple[Words, ...] = (UP, ("down", "--purge", "--yes", "--timeout", "0"))
"""Commands after which the results of trials of the engine are kept: they sleep, which libfaketime breaks."""


def library() -> Path | None:
    """Return the library; Debian's package `libfaketime` has it."""
    return next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


def step(trial: Trial, folder: Path) -> Result:
    """Step the clock at a random point of one command."""
    draw = Random(trial.seed)
    command = CHANGING[trial.number // 2 % len(CHANGING)]  # each on both engines
    step_s, after_s = draw.choice(_STEPS_S), draw.uniform(0, command.takes_s)
    what = f"'{command}' with the clock stepped by {step_s:+} s after {after_s:.2f} s"
    with own_tool(trial.case, folder) as real:
        for words in _KEPT_TRIALS:
            real.ok(words)
        clock = folder / "clock"
        tool = _with_clock(real, clock)
        try:
            _set(clock, 0)
            took_s, said = _stepped(tool, command, clock, step_s, after_s)
            what += f" ({said})"
            tool.converges(by_up=True)
        except AssertionError as error:
            return Result(1, [f"{what}: {in_brief(str(error))}"])
    return Result(1, figures={"took_ms": [round(took_s * 1e3)]})


def _with_clock(tool: OwnTool, clock: Path) -> OwnTool:
    found = library()
    assert found is not None, "libfaketime is missing; install Debian's package of that name"
    env = {
        **tool.cli.env,
        "LD_PRELOAD": str(found),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",  # the name in older versions
    }
    return replace(tool, runs=replace(tool.runs, cli=replace(tool.cli, env=env)))


def _set(clock: Path, offset_s: int) -> None:
    draft = clock.with_suffix(".new")
    draft.write_text(f"{offset_s:+}\n")
    draft.replace(clock)  # a reader sees the one or the other


def _stepped(tool: OwnTool, command: Changing, clock: Path, step_s: int, after_s: float) -> tuple[float, str]:
    """Return how many seconds the command took, and how it ended; it has to succeed."""
    for words in command.preparations(tool.engine):
        tool.ok(words)
    began = time.monotonic()
    process = tool.start(command.words)
    time.sleep(after_s)
    _set(clock, step_s)
    code, _, err = tool.end(process, command.words)
    assert code == 0, f"exit {code}: {err}"
    return time.monotonic() - began, f"exit {code}"


CLOCK = Row(
    name="clock",
    title="A clock that is stepped by an hour",
    how=f"{len(CHANGING)} commands that change something take turns; at a random point of each the "
    "tool's clock is stepped by an hour, forwards or backwards, with libfaketime. The command has "
    "to succeed, and with the stepped clock `up` has to bring the group to healthy and `down "
    "--purge` has to leave nothing.",
    unit="steps",
    wanted=120,
    per_trial=1,
    cases=("docker", "process"),
    run=step,
    figures={"took_ms": "Time that the commands took"},
)
