"""Files of a store, read in pieces: only regular files, never the lock file, and never written.

They are not mapped into memory: a live server truncates and replaces its files, and access to a missing
page would end this process. Pieces are read at different moments, so a caller that finds damage in a file
that is being written looks again (`stanlocal.store.verify.store`).
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
"""Bytes of the format's version (u32), with which every file begins."""


class StoreFile:
    """An open file of a store."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor = descriptor
        self.name = name
        """Path relative to the store."""
        self.size = os.fstat(descriptor).st_size
        """Bytes when the file was opened; later appends are not read."""

    def read(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes from `offset` on; fewer at the end of the file."""
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
        """Read `count` bytes to the beginning of `buffer`; return whether the file has all of them."""
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
        """The version of the format; None where the file is too short for it."""
        data = self.read(0, VERSION_BYTES)
        return int.from_bytes(data, "little") if len(data) == VERSION_BYTES else None


@contextmanager
def opened_file(store: Path, name: str) -> Iterator[StoreFile]:
    """Open the file `name` of the store for reading.

    Raises `OSError`, also for anything but a regular file. A FIFO or a device cannot block it.
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
