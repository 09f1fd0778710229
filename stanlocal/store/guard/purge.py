"""Deletion of a store: only one that stanlocal made, and in it only files of the server or stanlocal.

The server's user can write to the folder, and root may be the one who purges. So every step is relative
to an open folder, symbolic links and mounts are not followed, and unknown files are left.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from stanlocal.errors import StoreRefused
from stanlocal.store.guard.content import opened, real
from stanlocal.store.guard.holder import kept_from_servers
from stanlocal.store.guard.marker import Marker, read_marker
from stanlocal.store.layout import LOCKS, MARKER_FILE, is_channels, is_marker_draft, is_servers
from stanlocal.util.printable import printable


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """The result of a purge."""

    left: tuple[str, ...] = ()
    """Entries that were left, as neither the server nor stanlocal made them."""
    failed: tuple[str, ...] = ()
    """Entries that could not be removed, each with the reason."""


def purge(path: Path, group: str, group_id: str | None = None, *, made: bool) -> PurgeReport:
    """Delete the store of `group` at `path`; a missing or empty folder is no error.

    `made` is what the group's state folder says: whether stanlocal made this store for the group. The marker
    alone does not count, as it goes along with a copy. It stays as long as anything else does, so that the
    purge can be repeated once the rest is moved away. A folder that existed before the group stays, empty.
    Raises `StoreRefused`, with nothing deleted, when the folder does not carry this group's marker, was not
    made by stanlocal, was a store before the group used it, or has a lock that a process holds.
    """
    path = real(path)
    try:
        with opened(path) as folder:
            if not _entries(folder):  # a purge that was killed before its last step
                return PurgeReport()
            marker = _check(path, folder, group, group_id, made=made)
            sweep = _Sweep(path, device=os.fstat(folder).st_dev)
            with kept_from_servers(path, f"nothing of {path} was deleted"):
                sweep.store(folder)
    except FileNotFoundError:
        return PurgeReport()
    except OSError as err:
        raise StoreRefused(f"cannot purge {path} ({err.strerror}); fix that and try again") from err
    if not sweep.left and not sweep.failed and not marker.folder_was_there:
        with sweep.reporting(path):
            path.rmdir()
    return PurgeReport(tuple(sweep.left), tuple(sweep.failed))


def check_purgeable(path: Path, group: str, group_id: str | None = None, *, made: bool) -> None:
    """Raise `StoreRefused` where `purge` would refuse because of the folder's content; changes nothing."""
    path = real(path)
    try:
        with opened(path) as folder:
            if _entries(folder):
                _check(path, folder, group, group_id, made=made)
    except FileNotFoundError:
        return
    except OSError as err:
        raise StoreRefused(f"cannot purge {path} ({err.strerror}); fix that and try again") from err


def discard_unused(path: Path, group: str, group_id: str | None = None) -> bool:
    """Delete the store of `group` at `path` if no server was ever active on it; return whether it did.

    A folder of another group, or with anything but the marker and lock files, stays as it is.
    """
    try:
        with opened(real(path)) as folder:
            marker = read_marker(folder)
            names = [name for name, _ in _entries(folder)]
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    unused = all(name in LOCKS or name == MARKER_FILE or is_marker_draft(name) for name in names)
    if marker is None or marker.differs(group, group_id) or marker.adopted or not unused:
        return False
    try:
        return not purge(path, group, group_id, made=True).failed
    except StoreRefused:  # a server has just begun to use it
        return False


def _check(path: Path, folder: int, group: str, group_id: str | None, *, made: bool) -> Marker:
    try:
        marker = read_marker(folder)
    except ValueError as err:
        raise StoreRefused(f"nothing of {path} was deleted: {err}") from err
    if marker is None:
        raise StoreRefused(f"nothing of {path} was deleted: it carries no marker of stanlocal")
    if whose := marker.differs(group, group_id):
        raise StoreRefused(f"nothing of {path} was deleted: it is {whose}")
    if marker.adopted:
        raise StoreRefused(
            f"nothing of {path} was deleted: it was a store before stanlocal used it; delete it yourself "
            "if you want to"
        )
    if not made:
        raise StoreRefused(
            f"nothing of {path} was deleted: stanlocal did not make it for this group, so it is a copy, or "
            "was moved here; delete it yourself if you want to"
        )
    return marker


@dataclass(slots=True)
class _Sweep:
    path: Path
    """Path for messages."""
    device: int
    """Device of the store's file system; anything mounted into it is left alone."""
    left: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def store(self, folder: int) -> None:
        for name, status in _entries(folder):
            if name == MARKER_FILE:
                continue
            path = self.path / name
            if stat.S_ISREG(status.st_mode) and (is_servers(name) or is_marker_draft(name)):
                self._unlink(folder, path)
            elif stat.S_ISDIR(status.st_mode) and status.st_dev == self.device:
                with self.reporting(path):
                    self._channel(folder, path)
            else:
                self.left.append(printable(str(path)))
        if not self.left and not self.failed:
            self._unlink(folder, self.path / MARKER_FILE)

    def _channel(self, store: int, channel: Path) -> None:
        before = len(self.left) + len(self.failed)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        folder = os.open(channel.name, flags, dir_fd=store)
        try:
            for name, status in _entries(folder):
                if stat.S_ISREG(status.st_mode) and is_channels(name):
                    self._unlink(folder, channel / name)
                else:
                    self.left.append(printable(str(channel / name)))
        finally:
            os.close(folder)
        if len(self.left) + len(self.failed) == before:
            os.rmdir(channel.name, dir_fd=store)

    def _unlink(self, folder: int, path: Path) -> None:
        with self.reporting(path):
            os.unlink(path.name, dir_fd=folder)

    @contextmanager
    def reporting(self, path: Path) -> Iterator[None]:
        """Note an entry that cannot be removed, and go on with the rest."""
        try:
            yield
        except OSError as err:
            self.failed.append(f"{printable(str(path))} ({err.strerror})")


def _entries(folder: int) -> list[tuple[str, os.stat_result]]:
    """Return the entries of the folder, sorted; no link is followed."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # removed since it was listed
                found.append((entry.name, entry.stat(follow_symlinks=False)))
    return sorted(found, key=lambda each: each[0])
