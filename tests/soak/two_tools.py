"""Two commands at once on one group: one group in the end, and each succeeds or fails with a known error."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

from tests.soak.commands import SIMULTANEOUS, UP, Words
from tests.soak.own_tool import OwnTool, own_tool
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial, in_brief

_APART_S = 1.0
"""Most seconds between the two starts."""
_CODES = frozenset(range(6))


def pair(trial: Trial, folder: Path) -> Result:
    """Start two commands at once, wait for both, and see that there is one group that comes and goes."""
    draw = Random(trial.seed)
    one, other = draw.choice(SIMULTANEOUS), draw.choice(SIMULTANEOUS)
    before = draw.random() < 0.8
    apart_s = draw.choice((0.0, draw.uniform(0, _APART_S)))
    there = "with" if before else "without"
    what = f"'{' '.join(one)}' and, {apart_s:.2f} s later, '{' '.join(other)}' {there} a group"
    with own_tool(trial.case, folder) as tool:
        try:
            if before:
                tool.ok(UP)
            what += f" ({'; '.join(_both(tool, one, other, apart_s))})"
            tool.converges(by_up=True)
        except AssertionError as error:
            return Result(1, [f"{what}: {in_brief(str(error))}"])
    return Result(1)


def _both(tool: OwnTool, one: Words, other: Words, apart_s: float) -> list[str]:
    """Return how each ended."""
    first = tool.start(one)
    time.sleep(apart_s)
    second = tool.start(other)
    said = []
    for process, words in ((first, one), (second, other)):
        code, _, err = tool.end(process, words)
        assert code in _CODES, f"'{' '.join(words)}': exit {code}: {err}"
        last = err.splitlines()[-1] if err else ""
        assert code in (0, 5) or last.startswith("error: "), f"'{' '.join(words)}': exit {code}: {err}"
        said.append(f"exit {code}: {last}" if code else "exit 0")
    return said


TWO_TOOLS = Row(
    name="two-tools",
    title="Two commands at once on one group",
    how=f"two commands drawn from {len(SIMULTANEOUS)} are started at once, or up to a second apart, on a "
    "group that is up or not there. Each has to end with one of the tool's exit codes and, where it "
    "fails, one line that says why; afterwards `up` has to give one healthy group, and `down "
    "--purge` has to leave nothing.",
    unit="pairs",
    wanted=200,
    per_trial=1,
    cases=("docker", "process"),
    run=pair,
)
