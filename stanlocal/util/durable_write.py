"""Writes that are whole or an error: a full disk takes a part of the data and says so only by a count."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stanlocal.errors import StateError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Numbers of the errors that say that a file system takes no more."""


def write_all(descriptor: int, data: bytes, write: Callable[[int, bytes], int] | None = None) -> None:
    """Write all of the data, by `os.write`; raises `OSError` where the file takes only a part of it."""
    while data:
        count = (write or os.write)(descriptor, data)
        if count <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data = data[count:]


@contextmanager
def written_or_said(path: Path) -> Iterator[None]:
    """Turn a file system that takes no more into `StateError`."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise full(path, error) from error


def full(path: str | Path, error: OSError) -> StateError:
    """Return the error that says which file could not be written, why, and what to do."""
    reason = (error.strerror or str(error)).lower()
    return StateError(
        f"{path} cannot be written: {reason}; make room there ('stanlocal down --purge' works all the same)"
    )
