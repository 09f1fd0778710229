"""The holder of a store's lock, read from the kernel without touching the lock file.

The server takes a POSIX record lock (``fcntl(F_SETLK, F_WRLCK)``) on the whole of the store's lock file.
Such a lock belongs to a process and is gone when that process closes *any* descriptor of the file, so
this module never opens the file: it compares `/proc/locks` with the file's device and inode.

Only Linux shows its locks; on other systems, remote engines and network file systems they are invisible,
which does not mean free.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

LOCK_FILE = ".rootdir.lck"
"""The server's name for the lock file of a store."""

_PROC = Path("/proc")

INITIAL_PID_NAMESPACE = 0xEFFFFFFC
"""Inode of the first pid namespace (PROC_PID_INIT_INO in Linux's proc_ns.h); only there all are visible."""


@dataclass(frozen=True, slots=True)
class KernelLock:
    """A line of `/proc/locks`."""

    kind: str
    """`POSIX`, `FLOCK`, `OFDLCK`, `LEASE`, …"""
    mode: str
    """`WRITE` or `READ`."""
    pid: int
    """0 or -1: unknown."""
    device: int
    """Device of the file system, as in `os.stat_result.st_dev` (btrfs reports others for its files)."""
    inode: int
    waiting: bool
    """Whether this is a blocked request for the lock, not a holder."""


@dataclass(frozen=True, slots=True)
class LockView:
    """The visible state of a store's lock."""

    visible: bool
    """Whether the lock is visible. If so, no holder means that it is free."""
    pid: int | None = None
    """Process that holds it; None also for one in another pid namespace (then not `visible`)."""


_NOT_VISIBLE = LockView(visible=False)

_LINE = re.compile(
    r"\d+: *(?P<waiting>-> )?(?P<kind>[A-Z]+) +\S+ +(?P<mode>[A-Z]+) +(?P<pid>-?\d{1,10}) "
    r"(?P<major>[0-9a-f]{1,3}):(?P<minor>[0-9a-f]{1,5}):(?P<inode>\d{1,20}) \d+ (?:\d+|EOF)",
    re.ASCII,
)


def parse_proc_locks(text: str) -> list[KernelLock]:
    """Parse the text of `/proc/locks`, in its order; skip lines of another shape."""
    return [
        KernelLock(
            kind=found["kind"],
            mode=found["mode"],
            pid=int(found["pid"]),
            device=os.makedev(int(found["major"], 16), int(found["minor"], 16)),
            inode=int(found["inode"]),
            waiting=found["waiting"] is not None,
        )
        for line in text.splitlines()
        if (found := _LINE.fullmatch(line.strip())) is not None
    ]


def lock_holder(lock_file: Path, proc: Path = _PROC) -> LockView:
    """Return the holder of the write lock on `lock_file`; a missing file is not locked."""
    try:
        locks = parse_proc_locks((proc / "locks").read_text())
        file = lock_file.stat()
    except FileNotFoundError as err:
        return LockView(visible=err.filename == str(lock_file))
    except OSError:  # not permitted
        return _NOT_VISIBLE
    held = [lock for lock in locks if lock.inode == file.st_ino and _is_exclusive(lock)]
    for lock in held:
        if lock.device == file.st_dev or (lock.pid > 0 and _has_open(proc, lock.pid, file)):
            return LockView(visible=True, pid=lock.pid) if lock.pid > 0 else _NOT_VISIBLE
    return LockView(visible=_sees_all(proc))


def container_of(pid: int, proc: Path = _PROC) -> str | None:
    """Return the id (64 hexadecimal digits) of the innermost container of a process, from its cgroups.

    None if it is in no container, has ended, or its cgroup's name holds no id.
    """
    try:
        text = (proc / str(pid) / "cgroup").read_text()
    except OSError:  # ended, or no such file on this system
        return None
    ids = re.findall(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", text)
    return ids[-1] if ids else None


def _is_exclusive(lock: KernelLock) -> bool:
    return lock.kind == "POSIX" and lock.mode == "WRITE" and not lock.waiting


def _sees_all(proc: Path) -> bool:
    """Whether all locks are listed: a container sees only those of its own processes."""
    try:
        return (proc / "self" / "ns" / "pid").stat().st_ino == INITIAL_PID_NAMESPACE
    except OSError:
        return False


def _has_open(proc: Path, pid: int, file: os.stat_result) -> bool:
    """Whether the process has that file open, by its descriptors rather than the kernel's device."""
    try:
        descriptors = list((proc / str(pid) / "fd").iterdir())
    except OSError:  # ended, or not permitted
        return False
    for descriptor in descriptors:
        try:
            other = descriptor.stat()
        except OSError:  # closed meanwhile
            continue
        if os.path.samestat(other, file):
            return True
    return False
