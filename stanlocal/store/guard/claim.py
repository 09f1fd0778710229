"""The claim of a group to a folder as its store.

A wrong `--store-dir` must never destroy a file. So a folder is used only when it is empty, is a store of
the server, or carries the group's own marker; and nothing in a refused folder is changed.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from stanlocal.errors import StoreRefused
from stanlocal.store.guard.content import StoreKind, StoreState, inspect_opened, opened, real
from stanlocal.store.guard.marker import VERSION, Marker, replace_marker, write_marker
from stanlocal.store.layout import MARKER_FILE, is_servers
from stanlocal.util.printable import printable


@dataclass(frozen=True, slots=True)
class Claim:
    """A store that the group may use."""

    path: Path
    """Absolute path without symbolic links."""
    marker: Marker
    new: bool
    """True if this claim wrote the marker, to a folder that no group had."""
    unused: bool
    """True if the folder held nothing but, at most, the marker and locks of servers that never served."""


def claim(path: Path, *, group: str, cluster_id: str, user: str, group_id: str | None = None) -> Claim:
    """Make the folder at `path` the store of `group`, whose servers run as `user` (`uid:gid`).

    A missing folder is made (0700). When the caller is root, it and an empty one of root's are given to
    `user`. A folder that the group has claimed before stays as it is; only a marker without an id gets
    `group_id`. Raises `StoreRefused`, with no file touched, when the group must not or cannot use the folder.
    """
    path = real(path)
    try:
        made = _make(path)
        try:
            return _claim(path, group, cluster_id, *_ids(user), group_id=group_id, folder_was_there=not made)
        except BaseException:
            if made:
                with suppress(OSError):  # the first error is the one to report
                    path.rmdir()
            raise
    except NotADirectoryError as err:
        raise StoreRefused(f"{path} is not a folder; choose another with '--store-dir'") from err
    except FileExistsError as err:
        raise StoreRefused(f"another group has just taken {path} as its store; try again") from err
    except OSError as err:
        raise StoreRefused(
            f"cannot use {path} as the store ({err.strerror}); fix that or choose another folder "
            "with '--store-dir'"
        ) from err


def _make(path: Path) -> bool:
    """Make the folder where it is missing; return whether it was."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
    except FileExistsError:
        if path.is_dir():
            return False
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None
    return True


def _claim(
    path: Path,
    group: str,
    cluster_id: str,
    uid: int,
    gid: int,
    *,
    group_id: str | None,
    folder_was_there: bool,
) -> Claim:
    with opened(path) as folder:
        state = inspect_opened(path, folder)
        _check_content(path, state, group, group_id, cluster_id)
        owner = os.fstat(folder).st_uid
        if state.kind is StoreKind.EMPTY and os.geteuid() == owner == 0 != uid:
            os.fchown(folder, uid, gid)
        _check_writable(path, folder, uid, gid)
        if state.marker is not None:
            return Claim(path, _with_id(folder, state.marker, group_id), new=False, unused=state.unused)
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        marker = Marker(
            group=group,
            created=now,
            adopted=state.kind is StoreKind.STORE,
            id=group_id,
            folder_was_there=folder_was_there,
        )
        write_marker(folder, marker)
        return Claim(path, marker, new=True, unused=state.unused)


def _with_id(folder: int, marker: Marker, group_id: str | None) -> Marker:
    """Return the marker, with the group's id added where an earlier version wrote only the name."""
    if marker.id is not None or group_id is None:
        return marker
    known = replace(marker, id=group_id, version=VERSION)
    replace_marker(folder, known)
    return known


def _check_content(path: Path, state: StoreState, group: str, group_id: str | None, cluster_id: str) -> None:
    if state.kind is StoreKind.FOREIGN:
        raise StoreRefused(
            f"{path} is not a store of the server (it holds {', '.join(state.foreign)}, …); "
            "choose an empty folder with '--store-dir'"
        )
    if state.marker is not None and (whose := state.marker.differs(group, group_id)):
        raise StoreRefused(
            f"{path} is {whose}; choose another folder with '--store-dir', or, if it is a copy, "
            f"'rm {path / MARKER_FILE}', which ends its tie to that group"
        )
    if state.cluster_id not in (None, cluster_id):
        raise StoreRefused(
            f"the store {path} was written under the cluster id '{printable(str(state.cluster_id))}', "
            f"the group's is '{cluster_id}'; set cluster_id to the store's, or choose another folder "
            "with '--store-dir'"
        )


def _check_writable(path: Path, folder: int, uid: int, gid: int) -> None:
    """Check that the servers may write: otherwise they would start, and never get the lock."""
    if os.fstatvfs(folder).f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    names = [name for name in os.listdir(folder) if is_servers(name)]
    statuses = {name: os.stat(name, dir_fd=folder, follow_symlinks=False) for name in names}
    for name, status in {"": os.fstat(folder), **statuses}.items():
        if not _may_write(status, uid, gid):
            raise StoreRefused(
                f"{path / name} belongs to uid {status.st_uid} and cannot be written by uid {uid}, as which "
                f"the servers run; 'chown -R {uid}:{gid} {path}' or choose another folder with '--store-dir'"
            )


def _may_write(status: os.stat_result, uid: int, gid: int) -> bool:
    """Return whether owner and mode allow the user to write."""
    if uid == 0:
        return True
    shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
    needed = 0o7 if stat.S_ISDIR(status.st_mode) else 0o6
    return (status.st_mode >> shift) & needed == needed


def _ids(user: str) -> tuple[int, int]:
    """Return uid and gid of the files on this machine: a rootless engine's root is the caller."""
    uid, gid = map(int, user.split(":"))
    return (uid, gid) if uid else (os.geteuid(), os.getegid())
