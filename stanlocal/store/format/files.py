"""A file of a store, read in pieces: only regular files, never the lock file, never written.

Not mapped into memory: a live server truncates and replaces its files, and a mapped page that is gone
would end this process. What is read is what was there at one moment or another, so whoever finds damage
in a file that is being written looks again (`stanlocal.store.verify.store`).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stanlocal.machine.locks import LOCK_FILE

VERSION = 1
VERSION_BYTES = 4
"""Every file begins with its format's version (u32)."""


class StoreFile:
    """An open file of a store."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor = descriptor
        self.name = name
        """Relative to the store."""
        self.size = os.fstat(descriptor).st_size
        """When it was opened; what was appended since is not read."""

    def read(self, offset: int, count: int) -> bytes:
        """As many bytes as there are there, up to `count`."""
        count = min(count, self.size - offset)
        if count <= 0:
            return b""
        data = os.pread(self._descriptor, count, offset)
        while data and len(data) < count:
            more = os.pread(self._descriptor, count - len(data), offset + len(data))
            if not more:  # it was truncated meanwhile
                break
            data += more
        return data

    def read_into(self, buffer: bytearray, offset: int, count: int) -> bool:
        """Reads to the beginning of `buffer`; whether all `count` bytes are there."""
        done = 0
        with memoryview(buffer) as view:
            while done < count:
                got = os.preadv(self._descriptor, [view[done:count]], offset + done)
                if not got:
                    break
                done += got
        return done == count

    @property
    def version(self) -> int | None:
        """Of the format; None of a file that is too short to have one."""
        data = self.read(0, VERSION_BYTES)
        return int.from_bytes(data, "little") if len(data) == VERSION_BYTES else None


@contextmanager
def opened_file(store: Path, name: str) -> Iterator[StoreFile]:
    """The file `name` of the store, for reading.

    Raises `OSError`, also for what is no regular file. A FIFO or a device cannot make it wait.
    """
    path = store / name
    if path.name == LOCK_FILE:  # closing any descriptor of it would free a lock of this process
        raise PermissionError(errno.EPERM, "the lock file is never opened", str(path))
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        yield StoreFile(descriptor, name)
    finally:
        os.close(descriptor)
