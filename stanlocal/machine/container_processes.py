"""Processes of a container on this machine, also those that its engine has lost track of.

A Docker daemon that is killed while it starts a container does not know afterwards that it did: the process
runs on, and the engine says of the container that it does not run.
"""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

from stanlocal.errors import EngineError
from stanlocal.machine.locks import container_of

_PROC = Path("/proc")
_ENDS_S = 10.0
"""Seconds in which a process is gone after SIGKILL, unless it waits for a disk."""


def processes_in(container: str, proc: Path = _PROC) -> list[int]:
    """Return the pids of a container's processes; empty where the system does not show any."""
    try:
        pids = [each.name for each in os.scandir(proc) if each.name.isdecimal()]
    except OSError:  # a system without that folder
        return []
    named = [int(pid) for pid in pids if container.encode() in _cgroup(f"{proc}/{pid}/cgroup")]
    return [pid for pid in named if container_of(pid, proc) == container]


def _cgroup(path: str) -> bytes:
    """Return the file's bytes, quickly, as a machine has hundreds of processes; none once it has ended."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - half the time is Path's
            return file.read()
    except OSError:
        return b""


def end_processes_in(container: str) -> None:
    """End the processes of a container by SIGKILL; return when they are gone.

    Raises `EngineError`, which names the process, if it belongs to another user or does not end.
    """
    for pid in processes_in(container):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if container_of(pid) == container:  # not a later process of that pid
                _end(descriptor, pid, container)
        finally:
            os.close(descriptor)


def _end(descriptor: int, pid: int, container: str) -> None:
    which = f"process {pid} runs in container {container[:12]}, which its engine takes for ended"
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise EngineError(f"{which}, and belongs to another user; have it ended first") from error
    ended = select.poll()
    ended.register(descriptor, select.POLLIN)
    if not ended.poll(_ENDS_S * 1e3):
        raise EngineError(f"{which}, and did not end within {_ENDS_S:g} s of SIGKILL; end it first")
