"""CPU and memory use of the nodes' processes on this machine."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

_SHORTEST_S = 0.05
"""Seconds that a sample covers at least; Linux counts the nanoseconds in them."""
_SCHEDULED = 2
"""CPUCLOCK_SCHED of Linux's posix-timers.h: the clock of the time that a process was on a processor."""


class UsageSample:
    """CPU use of processes, from the moment when it is made until `used` is called."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        """Begin; `pids` has the process of each node. Those of another machine or user are left out."""
        self._began = time.monotonic()
        self._before = {node: (pid, found[0]) for node, pid in pids.items() if (found := _reading(pid))}

    def used(self) -> dict[str, tuple[float, int]]:
        """Return the share of one core and the resident bytes of each node.

        Blocks until the sample covers 0.05 s. Nodes whose process has ended are left out.
        """
        if self._before:
            time.sleep(max(0.0, self._began + _SHORTEST_S - time.monotonic()))
        used = {}
        for node, (pid, before) in self._before.items():
            if after := _reading(pid):
                elapsed = time.monotonic() - self._began
                used[node] = (max(0.0, after[0] - before) / elapsed, after[1])
        return used


def of_processes(pids: Mapping[str, int]) -> dict[str, tuple[float, int]]:
    """Return the use of each node's process, as `UsageSample` measures it over 0.05 s."""
    return UsageSample(pids).used()


def _reading(pid: int) -> tuple[float, int] | None:
    """Return the seconds on a processor and the resident bytes; None if they cannot be read."""
    if sys.platform != "linux":
        return _reading_by_psutil(pid)
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        return time.clock_gettime(~pid << 3 | _SCHEDULED), pages * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # it has ended, or is hidden
        return None


def _reading_by_psutil(pid: int) -> tuple[float, int] | None:
    import psutil

    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        return times.user + times.system, process.memory_info().rss
    except psutil.Error:
        return None
