"""Temporary files and folders, whose disk may be full."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

from stanlocal.errors import OutputError
from stanlocal.util.durable_write import FULL


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Make a folder that is removed at the end; raises `OutputError` when there is no room for it."""
    with _room_reported() as where, tempfile.TemporaryDirectory(prefix=prefix, dir=where) as folder:
        yield Path(folder)


@contextmanager
def temporary_file() -> Iterator[BufferedRandom]:
    """Open a file without a name; raises `OutputError` when there is no room for it."""
    with _room_reported() as where, tempfile.TemporaryFile(dir=where) as file:
        yield file


@contextmanager
def _room_reported() -> Iterator[str]:
    cure = "make room there, or name a folder that has some in TMPDIR"
    try:
        where = tempfile.gettempdir()
    except FileNotFoundError as error:  # each folder that it tries is full, or not there
        raise OutputError(f"no folder takes temporary files ({error.strerror}); {cure}") from error
    try:
        yield where
    except OSError as error:
        elsewhere = error.filename is not None and not str(error.filename).startswith(where)
        if error.errno not in FULL or elsewhere:
            raise
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"{where} takes no more temporary files: {reason}; {cure}") from error
