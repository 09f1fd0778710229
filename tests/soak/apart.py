"""A trial in a process of its own, so that what one trial leaves in memory is not there in the next.

``python -m tests.soak.apart ROW TRIAL FOLDER`` makes a trial, given as JSON, and prints its entry.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from tests.soak import frame
from tests.soak.row import Row
from tests.soak.rows import ROWS
from tests.soak.trial_log import Entry, Trial
from tests.support.cli import ROOT


class TrialBroken(Exception):
    """A trial ended in an unexpected way; nothing of it is recorded."""


async def make(row: Row, trial: Trial, folder: Path) -> Entry:
    """Make a trial of a row that `ROWS` names; cancelled, it removes its group first.

    Raises `TrialBroken` where its process fails.
    """
    words = (row.name, json.dumps(asdict(trial)), str(folder))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.soak.apart", *words),
        cwd=ROOT,
        env={**os.environ, **row.environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        process_group=0,  # an interrupt of the terminal reaches it once, from here
        limit=1 << 26,
    )
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        process.send_signal(signal.SIGINT)
        await process.communicate()
        raise
    if process.returncode:
        raise TrialBroken(f"trial {trial.number} of {row.name}: exit {process.returncode}: {err.decode()}")
    return Entry.read(out.splitlines()[-1])


def main() -> None:
    name, trial, folder = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    with frame.own_surroundings(Path(folder) / "home"):
        entry = frame.made(ROWS[name], Trial(**json.loads(trial)), Path(folder))
    sys.stdout.buffer.write(entry.line())


if __name__ == "__main__":
    main()
