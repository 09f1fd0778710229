"""The marker: a small file that says which group a store folder belongs to.

`down --purge` deletes nothing without it, so it is written as it is only into a folder that stanlocal found
empty or made itself; any other gets one with `adopted`, and is never purged. A copy of the store has the
marker, too: so a purge also needs the word of the group's state folder (`group.made_stores`).
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from stanlocal.store.layout import MARKER_FILE
from stanlocal.util.printable import printable

VERSION = 2
"""Version of the format; 1 had neither `id` nor `folder_was_there`."""
_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Marker:
    group: str
    created: str
    """Time when the group first used the store, in RFC 3339."""
    adopted: bool
    """True if the store existed before: its files are then never deleted."""
    id: str | None = None
    """The group's random id, as two groups can have the same name. None in markers of version 1."""
    folder_was_there: bool = False
    """True if the empty folder existed before: it is then never removed."""
    version: int = VERSION
    """Version of the marker's format."""

    def differs(self, group: str, group_id: str | None) -> str | None:
        """Say whose store it is, when it is not the store of the group with this name and id; else None.

        A marker of version 1 has no id, and the name decides.
        """
        if self.group != group:
            return f"the store of the group '{printable(self.group)}'"
        if self.id is not None and self.id != group_id:
            return f"the store of another group '{printable(self.group)}', from another state folder"
        return None


def read_marker(folder: int) -> Marker | None:
    """Read the marker in the folder (a descriptor); return None where there is none.

    Raises `ValueError` for a file of that name that is not a marker, or of a later version.
    """
    data = read_regular(folder, MARKER_FILE, _MAX_BYTES)
    if data is None:
        return None
    try:
        marker = Marker(**json.loads(data))
    except (ValueError, TypeError, RecursionError) as err:
        raise ValueError(f"{MARKER_FILE} is not a marker of stanlocal") from err
    kinds = (type(marker.group), type(marker.created), type(marker.adopted), type(marker.version))
    since_2 = (marker.id is None or type(marker.id) is str) and type(marker.folder_was_there) is bool
    if kinds != (str, str, bool, int) or not since_2:
        raise ValueError(f"{MARKER_FILE} is not a marker of stanlocal")
    if marker.version > VERSION:
        raise ValueError(f"{MARKER_FILE} was written by a later version of stanlocal")
    return marker


def write_marker(folder: int, marker: Marker) -> None:
    """Write the marker, completely or not at all; raises `FileExistsError` when another came first."""
    with _draft(folder, marker) as draft:
        os.link(draft, MARKER_FILE, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)


def replace_marker(folder: int, marker: Marker) -> None:
    """Replace the marker, completely or not at all."""
    with _draft(folder, marker) as draft:
        os.replace(draft, MARKER_FILE, src_dir_fd=folder, dst_dir_fd=folder)


@contextmanager
def _draft(folder: int, marker: Marker) -> Iterator[str]:
    """Write the marker to a temporary file beside it, yield its name, and remove the file."""
    draft = f"{MARKER_FILE}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(draft, flags, 0o644, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(marker), file)
            file.write("\n")
            file.flush()
            os.fsync(descriptor)
        yield draft
    finally:
        with suppress(FileNotFoundError):  # it has become the marker
            os.unlink(draft, dir_fd=folder)


def read_regular(folder: int, name: str, limit: int) -> bytes | None:
    """Return the content of a regular file in the folder; None when it is absent, longer or not regular."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as err:
        if err.errno in (
            errno.ENOENT,
            errno.EISDIR,
            errno.ELOOP,
            errno.ENXIO,
        ):  # absent, or not a regular file
            return None
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = file.read(limit + 1)
    return data if len(data) <= limit else None
