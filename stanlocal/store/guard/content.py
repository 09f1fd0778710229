"""The content of a store folder, read without changing it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stanlocal.errors import StoreRefused
from stanlocal.store.format.server_file import MAX_BYTES, cluster_id
from stanlocal.store.guard.marker import Marker, read_marker, read_regular
from stanlocal.store.layout import LOCKS, MARKER_FILE, SERVER_FILE, is_marker_draft
from stanlocal.util.printable import printable


class StoreKind(StrEnum):
    """Kinds of folders that a group may be given as its store."""

    ABSENT = "absent"
    EMPTY = "empty"
    MARKED = "marked"
    """The folder carries stanlocal's marker."""
    STORE = "store"
    """The folder is a store of the server that stanlocal has not used before."""
    FOREIGN = "foreign"
    """The folder holds something else."""
    NOT_A_FOLDER = "not a folder"


@dataclass(frozen=True, slots=True)
class StoreState:
    """The state of a store's folder."""

    kind: StoreKind
    marker: Marker | None = None
    cluster_id: str | None = None
    """Cluster id that the server wrote; None before the first start, or when the file cannot be read."""
    unused: bool = True
    """True if there is nothing but the marker and the lock files of servers that never served."""
    foreign: tuple[str, ...] = ()
    """A few names of files that are not the server's."""


_SHOWN = 3
"""Number of names of foreign files that are reported."""


def inspect_store(path: Path) -> StoreState:
    """Inspect the folder at `path`, changing nothing. Raises `StoreRefused` when it may not be read."""
    path = real(path)
    try:
        with opened(path) as folder:
            return inspect_opened(path, folder)
    except FileNotFoundError:
        return StoreState(StoreKind.ABSENT)
    except NotADirectoryError:
        return StoreState(StoreKind.NOT_A_FOLDER)
    except OSError as err:
        raise StoreRefused(f"cannot read the store folder {path} ({err.strerror})") from err


def inspect_opened(path: Path, folder: int) -> StoreState:
    """Inspect an open folder as `inspect_store` does; `path` is for messages."""
    try:
        marker = read_marker(folder)
    except ValueError as err:
        raise StoreRefused(f"{err}: {path}; choose another folder with '--store-dir'") from err
    found = cluster_id(read_regular(folder, SERVER_FILE, MAX_BYTES) or b"")
    names = [n for n in sorted(os.listdir(folder)) if n != MARKER_FILE and not is_marker_draft(n)]
    unused = set(names) <= LOCKS
    if marker is not None:
        kind = StoreKind.MARKED
    elif not names:
        kind = StoreKind.EMPTY
    elif found is not None or unused:
        kind = StoreKind.STORE
    else:
        foreign = tuple(printable(name) for name in names[:_SHOWN])
        return StoreState(StoreKind.FOREIGN, unused=False, foreign=foreign)
    return StoreState(kind, marker, found, unused)


def real(path: Path) -> Path:
    """Return the absolute path without symbolic links."""
    return Path(os.path.realpath(path))


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open the folder: its descriptor names the same folder whatever happens to the path."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
