"""Writes that are complete or raise: on a full disk `os.write` writes a part and only returns its length."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stanlocal.errors import StateError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Error numbers of a file system that is full or read-only."""


def write_all(descriptor: int, data: bytes, write: Callable[[int, bytes], int] | None = None) -> None:
    """Write all of `data` with `os.write` (or `write`); raise `OSError` if the file takes only a part."""
    while data:
        count = (write or os.write)(descriptor, data)
        if count <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data = data[count:]


@contextmanager
def full_disk_reported(path: Path) -> Iterator[None]:
    """Raise `StateError` for an `OSError` of a full or read-only file system; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise full(path, error) from error


def replace_file(path: Path, data: bytes, *, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Write `data` to a file beside `path` that then replaces it; `owner` is the new file's uid and gid.

    Folders that are missing are made (0700). Raises `StateError` when the disk is full.
    """
    with full_disk_reported(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.unlink(missing_ok=True)  # left by a killed process of the same number
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as file:
                if owner:
                    os.fchown(descriptor, *owner)
                file.write(data)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def full(path: str | Path, error: OSError) -> StateError:
    """Return the `StateError` for a file that could not be written: why, and what to do."""
    reason = (error.strerror or str(error)).lower()
    return StateError(
        f"{path} cannot be written: {reason}; make room there ('stanlocal down --purge' works all the same)"
    )
