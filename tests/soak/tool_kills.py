"""Ends of the tool at random points of every command that changes something: the next one recovers all."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from random import Random

from tests.soak.commands import CHANGING, Changing
from tests.soak.own_tool import OwnTool, own_tool
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial, in_brief

_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
_STARTS_S = 0.1
"""Seconds before which the command has loaded nothing of itself."""


def kill(trial: Trial, folder: Path) -> Result:
    """End one command by a signal at a random point, and let the next recover everything."""
    draw = Random(trial.seed)
    command = CHANGING[trial.number // 2 % len(CHANGING)]  # each on both engines
    by = draw.choice(_SIGNALS)
    after_s = draw.uniform(_STARTS_S, command.takes_s)
    by_up = draw.random() < 0.5
    what = f"'{command}' ended by {by.name} after {after_s:.2f} s, then {'up' if by_up else 'down'}"
    with own_tool(trial.case, folder) as tool:
        try:
            struck, said = _strike(tool, command, by, after_s)
            what += f" ({said})"
            tool.converges(by_up=by_up)
        except AssertionError as error:
            return Result(1, [f"{what}: {in_brief(str(error))}"])
    return Result(int(struck), counts={by.name: int(struck), "ended_before": int(not struck)})


def _strike(tool: OwnTool, command: Changing, by: signal.Signals, after_s: float) -> tuple[bool, str]:
    """Return whether the command still ran when the signal was sent, and its last words."""
    for words in command.preparations(tool.engine):
        tool.ok(words)
    process = tool.start(command.words)
    deadline = time.monotonic() + after_s
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        time.sleep(max(0.0, deadline - time.monotonic()))
        process.send_signal(by)
        struck = True
    else:
        struck = False
    code, _, err = tool.end(process, command.words)
    return struck, f"exit {code}: {err.splitlines()[-1] if err else 'no words'}"


TOOL_KILLS = Row(
    name="tool-kills",
    title="Ends of the tool at random points of its commands",
    how=f"{len(CHANGING)} commands that change something take turns; each is ended by SIGKILL, SIGTERM "
    "or SIGHUP at a random point, and the next command is `up` or `down`, drawn too. `up` has to "
    "bring the group back to healthy, and after `down --purge` no container, network, volume, "
    "process or folder of any of the trial's groups may be left. A command that ended before its "
    "signal does not count.",
    unit="ends of the tool",
    wanted=500,
    per_trial=1,
    cases=("docker", "process"),
    run=kill,
    shown={"SIGKILL": "by SIGKILL", "SIGTERM": "by SIGTERM", "SIGHUP": "by SIGHUP"},
)
