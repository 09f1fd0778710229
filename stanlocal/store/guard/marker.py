"""The marker: a small file that says which group a store folder belongs to.

It is what allows `down --purge` to delete anything at all, so it is written only into a folder that
stanlocal found empty or made itself, or with `adopted`, and then nothing is ever purged.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
from dataclasses import asdict, dataclass

from stanlocal.store.layout import MARKER_FILE

VERSION = 1
_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Marker:
    group: str
    created: str
    """When the group first used the store, RFC 3339."""
    adopted: bool
    """The store was there before: its files are not stanlocal's to delete."""
    version: int = VERSION
    """Of the marker's format."""


def read_marker(folder: int) -> Marker | None:
    """The marker in the folder (a descriptor); None where there is none.

    Raises `ValueError` for a file of that name that is no marker, or one of a later version.
    """
    data = read_small(folder, MARKER_FILE, _MAX_BYTES)
    if data is None:
        return None
    try:
        marker = Marker(**json.loads(data))
    except (ValueError, TypeError, RecursionError) as err:
        raise ValueError(f"{MARKER_FILE} is not a marker of stanlocal") from err
    kinds = (type(marker.group), type(marker.created), type(marker.adopted), type(marker.version))
    if kinds != (str, str, bool, int):
        raise ValueError(f"{MARKER_FILE} is not a marker of stanlocal")
    if marker.version > VERSION:
        raise ValueError(f"{MARKER_FILE} was written by a later version of stanlocal")
    return marker


def write_marker(folder: int, marker: Marker) -> None:
    """Writes the marker, whole or not at all; `FileExistsError` when another came first."""
    draft = f"{MARKER_FILE}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(draft, flags, 0o644, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(marker), file)
            file.write("\n")
            file.flush()
            os.fsync(descriptor)
        os.link(draft, MARKER_FILE, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    finally:
        os.unlink(draft, dir_fd=folder)


def read_small(folder: int, name: str, limit: int) -> bytes | None:
    """The content of a regular file of the folder; None when it is none, is absent or is longer."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as err:
        if err.errno in (errno.ENOENT, errno.EISDIR, errno.ELOOP, errno.ENXIO):  # absent, no regular file
            return None
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = file.read(limit + 1)
    return data if len(data) <= limit else None
