"""Which process a pid stood for: a pid alone is given to another process sooner or later.

Small on purpose: the supervisor, which every `start` waits for, loads it.
"""

from __future__ import annotations

import sys

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_START_TIME = 19
"""Index of the start time among the fields of /proc/PID/stat that follow the command's name (proc(5))."""


def birth_of(pid: int) -> str | None:
    """What tells this process from every other that has or had its pid; None when there is none.

    A process that has ended and was not yet waited for is none. On Linux it is the start in clock ticks
    since a certain boot, which setting the clock does not move.
    """
    if sys.platform == "linux":
        return _linux_birth(pid)
    return _birth(pid)


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
