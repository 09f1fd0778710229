"""What is in a store folder; nothing here changes it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stanlocal.errors import StoreRefused
from stanlocal.store.format.server_file import MAX_BYTES, cluster_id
from stanlocal.store.guard.marker import Marker, read_marker, read_small
from stanlocal.store.layout import LOCKS, MARKER_FILE, SERVER_FILE, is_marker_draft
from stanlocal.util.printable import printable


class StoreKind(StrEnum):
    """What a folder is to a group that wants it as its store."""

    ABSENT = "absent"
    EMPTY = "empty"
    MARKED = "marked"
    """Carries stanlocal's marker."""
    STORE = "store"
    """A store of the server that stanlocal has not used before."""
    FOREIGN = "foreign"
    """Holds something else."""
    NOT_A_FOLDER = "not a folder"


@dataclass(frozen=True, slots=True)
class StoreState:
    """What was found at a store's path."""

    kind: StoreKind
    marker: Marker | None = None
    cluster_id: str | None = None
    """That the server wrote into it; None when none has yet, or the file cannot be read."""
    foreign: tuple[str, ...] = ()
    """A few names of what is not the server's."""


_SHOWN = 3
"""How many names of foreign files are given."""


def inspect_store(path: Path) -> StoreState:
    """What is at `path`; changes nothing. Raises `StoreRefused` when it may not be read."""
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
    """As `inspect_store`, of a folder that is open; `path` is for messages."""
    try:
        marker = read_marker(folder)
    except ValueError as err:
        raise StoreRefused(f"{err}: {path}; choose another folder with '--store-dir'") from err
    found = cluster_id(read_small(folder, SERVER_FILE, MAX_BYTES) or b"")
    names = [n for n in sorted(os.listdir(folder)) if n != MARKER_FILE and not is_marker_draft(n)]
    if marker is not None:
        kind = StoreKind.MARKED
    elif not names:
        kind = StoreKind.EMPTY
    elif found is not None or set(names) <= LOCKS:
        kind = StoreKind.STORE
    else:
        return StoreState(StoreKind.FOREIGN, foreign=tuple(printable(name) for name in names[:_SHOWN]))
    return StoreState(kind, marker, found)


def real(path: Path) -> Path:
    """The absolute path without symbolic links."""
    return Path(os.path.realpath(path))


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor of the folder: whatever happens to its path, this folder is meant."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
