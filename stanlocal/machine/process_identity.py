"""The identity of a process beyond its pid, which the system reuses.

The module is small on purpose: the supervisor, which every `start` waits for, loads it.
"""

from __future__ import annotations

import sys

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_START_TIME = 19
"""Index of the start time among the fields of /proc/PID/stat that follow the command's name (proc(5))."""


def birth_of(pid: int) -> str | None:
    """Identify the process among all that ever have its pid; None if there is none.

    A zombie counts as none. On Linux the value is the boot and the start in clock ticks since it, which does
    not change when the clock is set.
    """
    if sys.platform == "linux":
        return _linux_birth(pid)
    return _birth(pid)


def is_stopped(pid: int) -> bool:
    """Return whether a signal has stopped the process (SIGSTOP); False where only psutil could tell."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat[stat.rindex(b")") + 2 :].split(maxsplit=1)[0] == b"T"


def _linux_birth(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
        with open(_BOOT_ID, encoding="ascii") as file_:
            boot = file_.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()  # the name in parentheses may contain anything
    return None if fields[0] in (b"Z", b"X") else f"{boot}/{fields[_START_TIME].decode()}"


def _birth(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.NoSuchProcess:
        return None
