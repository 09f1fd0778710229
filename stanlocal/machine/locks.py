"""Who holds the lock on a store: read from the kernel, without touching the lock file.

The server takes a POSIX record lock (``fcntl(F_SETLK, F_WRLCK)``) on the whole of the store's lock file.
Such a lock belongs to a process and is gone when that process closes *any* descriptor of the file, so
this module opens the file never: it compares `/proc/locks` with the file's device and inode.

Only Linux shows its locks; elsewhere, behind a remote engine and on network file systems they cannot be
seen, which is not the same as free.
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
"""Inode of the first pid namespace (PROC_PID_INIT_INO in Linux's proc_ns.h); only there all locks show."""


@dataclass(frozen=True, slots=True)
class KernelLock:
    """A line of `/proc/locks`."""

    kind: str
    """`POSIX`, `FLOCK`, `OFDLCK`, `LEASE`, …"""
    mode: str
    """`WRITE` or `READ`."""
    pid: int
    """0 or -1: the kernel does not tell."""
    device: int
    """As in `os.stat_result.st_dev`, of the file system (btrfs reports others for its files)."""
    inode: int
    waiting: bool
    """A blocked request for the lock, not a holder."""


@dataclass(frozen=True, slots=True)
class LockView:
    """What can be seen of a store's lock."""

    visible: bool
    """Whether it can be seen at all. If so, no holder means that the lock is free."""
    pid: int | None = None
    """The process that holds it; None also for a process of another pid namespace (then not `visible`)."""


_NOT_VISIBLE = LockView(visible=False)

_LINE = re.compile(
    r"\d+: *(?P<waiting>-> )?(?P<kind>[A-Z]+) +\S+ +(?P<mode>[A-Z]+) +(?P<pid>-?\d{1,10}) "
    r"(?P<major>[0-9a-f]{1,3}):(?P<minor>[0-9a-f]{1,5}):(?P<inode>\d{1,20}) \d+ (?:\d+|EOF)",
    re.ASCII,
)


def parse_proc_locks(text: str) -> list[KernelLock]:
    """The locks in the text of `/proc/locks`, in its order; lines of another shape are left out."""
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
    """Who holds the write lock on `lock_file`; a file that does not exist is locked by nobody."""
    try:
        locks = parse_proc_locks((proc / "locks").read_text())
        file = lock_file.stat()
    except FileNotFoundError as err:
        return LockView(visible=err.filename == str(lock_file))
    except OSError:  # not ours to see
        return _NOT_VISIBLE
    held = [lock for lock in locks if lock.inode == file.st_ino and _is_exclusive(lock)]
    for lock in held:
        if lock.device == file.st_dev or (lock.pid > 0 and _has_open(proc, lock.pid, file)):
            return LockView(visible=True, pid=lock.pid) if lock.pid > 0 else _NOT_VISIBLE
    return LockView(visible=_sees_all(proc))


def container_of(pid: int, proc: Path = _PROC) -> str | None:
    """The id (64 hexadecimal digits) of the innermost container that the process is in, from its cgroups.

    None when it is in none, has ended, or its cgroup's name does not tell.
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
    """Whether a lock that is not listed is not held: inside a container only its own processes' are."""
    try:
        return (proc / "self" / "ns" / "pid").stat().st_ino == INITIAL_PID_NAMESPACE
    except OSError:
        return False


def _has_open(proc: Path, pid: int, file: os.stat_result) -> bool:
    """Whether the process has that very file open, by its descriptors rather than the kernel's device."""
    try:
        descriptors = list((proc / str(pid) / "fd").iterdir())
    except OSError:  # ended, or not ours to see
        return False
    for descriptor in descriptors:
        try:
            other = descriptor.stat()
        except OSError:  # closed meanwhile
            continue
        if os.path.samestat(other, file):
            return True
    return False
