"""Processor time of `up --attach` while nothing happens."""

from __future__ import annotations

import signal
import subprocess
import time

import psutil

from tests.bench.group.ours import Command
from tests.bench.group.rows import Row

_SETTLE_S = 3.0


def idle(command: Command, seconds: float) -> Row:
    """Return the process's share of a core over that time, and its memory at the end."""
    line = command.line("up", "--attach")
    with subprocess.Popen(
        line, env=command.env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        for said in process.stderr:
            if "Ctrl-C" in said:
                break
        watched = psutil.Process(process.pid)
        time.sleep(_SETTLE_S)
        before = watched.cpu_times()
        time.sleep(seconds)
        after = watched.cpu_times()
        share = (after.user - before.user + after.system - before.system) / seconds
        resident = watched.memory_info().rss / 1e6
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    command.purge()
    return Row(
        f"supervisor idle for {seconds:g} s",
        f"{share:.2%} of a core, {resident:.0f} MB resident",
        "",
        "",
        "under 1 % of a core, under 80 MB",
        share < 0.01 and resident < 80,
    )
