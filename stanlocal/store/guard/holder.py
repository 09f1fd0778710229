"""Exclusion of servers from a store while stanlocal deletes, replaces or copies it.

The server's own lock decides, not an engine or a state folder: another engine, another state
folder or another tool may run servers on the same folder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stanlocal.errors import StoreRefused
from stanlocal.machine.locks import container_of, lock_holder
from stanlocal.store.layout import lock_file

_NOT_LOCKABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.ENXIO, errno.EISDIR})
"""Errors of opening a lock file that the caller may not write to, or that is no regular file."""
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})
"""Errors of locking on a file system without locks."""


@contextmanager
def kept_from_servers(store: Path, outcome: str) -> Iterator[None]:
    """Hold the store's own lock as a server would, so that no server can use the store meanwhile.

    Raises `StoreRefused`, which begins with `outcome` and names the process, when one has the lock already.
    A lock file that does not exist, or that the caller may not write to, is checked and not locked.
    """
    check_not_held(store, outcome)
    descriptor = _opened(lock_file(store))
    try:
        if descriptor is not None:
            _lock(descriptor, store, outcome)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def check_not_held(store: Path, outcome: str) -> None:
    """Raise `StoreRefused` when the kernel shows that a process has the store's lock; touches no file."""
    pid = lock_holder(lock_file(store)).pid
    if pid is not None:
        raise StoreRefused(f"{outcome}: {describe_process(pid)} has the lock of {store}; end it first")


def describe_process(pid: int, proc: Path = Path("/proc")) -> str:
    """Describe a process for a message: pid, command and container, as far as they are visible."""
    try:
        command = f" ({(proc / str(pid) / 'comm').read_text().strip()})"
    except OSError:  # it has ended, or the system has no such file
        command = ""
    container = container_of(pid, proc)
    return f"process {pid}{command}{f' in container {container[:12]}' if container else ''}"


def _opened(file: Path) -> int | None:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(file, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _NOT_LOCKABLE:
            return None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return descriptor


def _lock(descriptor: int, store: Path, outcome: str) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise
        check_not_held(store, outcome)  # a server took it just now
        raise StoreRefused(
            f"{outcome}: a process that cannot be seen from here has the lock of {store}; end it first"
        ) from error
