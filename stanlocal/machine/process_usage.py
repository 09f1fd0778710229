"""CPU and memory use of the nodes' processes on this machine."""

from __future__ import annotations

from collections.abc import Mapping

_SAMPLE_S = 0.1
"""Seconds over which CPU use is measured; `of_processes` blocks for as long."""


def of_processes(pids: Mapping[str, int]) -> dict[str, tuple[float, int]]:
    """Return the share of one core and the resident bytes of each node, measured over 0.1 s.

    Nodes whose process has ended, or belongs to another machine or user, are left out.
    """
    import time

    import psutil

    processes = {}
    for node, pid in pids.items():
        try:
            process = psutil.Process(pid)
            processes[node] = (process, process.cpu_times())
        except psutil.Error:
            continue
    started = time.monotonic()
    if processes:
        time.sleep(_SAMPLE_S)
    elapsed = time.monotonic() - started
    used = {}
    for node, (process, before) in processes.items():
        try:
            after, resident = process.cpu_times(), process.memory_info().rss
        except psutil.Error:
            continue
        busy = max(0.0, after.user + after.system - before.user - before.system)
        used[node] = (busy / elapsed, resident)
    return used
