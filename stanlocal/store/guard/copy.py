"""Copies of a store and their restoration: complete or not at all, and never through a link.

Only the server's files are copied, by name, without its lock files and stanlocal's marker. Owner, mode and
times are kept as far as the caller may.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from stanlocal.errors import StoreRefused
from stanlocal.store.guard import drafts
from stanlocal.store.guard.content import real
from stanlocal.store.layout import LOCKS, MARKER_FILE, is_channels, is_servers
from stanlocal.util.printable import printable

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""Arguments of renameat2(2)."""


def copy_store(store: Path, to: Path) -> int:
    """Copy the store's files to the new folder `to`; return their size in bytes.

    No server may write meanwhile. Raises `StoreRefused`, with nothing left behind, when that fails.
    """
    draft = drafts.of_copy(to)
    if to.exists():
        raise StoreRefused(f"{to} exists already; choose another name")
    try:
        shutil.rmtree(draft, ignore_errors=True)  # left by a command that was killed
        draft.mkdir(parents=True, mode=0o700)
        size = _copy(store, draft)
        draft.rename(to)
    except OSError as err:
        raise StoreRefused(f"cannot copy the store {store} to {to} ({err.strerror})") from err
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return size


def put_back(copy: Path, store: Path, aside: Path) -> None:
    """Replace the content of `store` by that of `copy`; the old content becomes the copy `aside`.

    No server may run on it. The folder is exchanged for another one of the same owner and marker, in one
    step where the file system can do that. Raises `StoreRefused`, with the old store in place, when it
    fails; also for a store that is a mount point, or that holds files which are not the server's. Where not
    even the old store can be put back into its place, the copy `aside` of it stays.
    """
    store = real(store)
    draft = drafts.of_store(store)
    try:
        _check_known(store)
        drafts.remove(store)  # left by a command that was killed
        _make_draft(draft)
        try:
            _exchange_for(copy, store, draft, aside)
        finally:
            drafts.discard(draft)
    except OSError as err:
        kept = f"; its content is the snapshot {aside.name}" if aside.exists() and not store.exists() else ""
        raise StoreRefused(f"cannot put {copy.name} back into {store} ({err.strerror}){kept}") from err


def _make_draft(draft: Path) -> None:
    try:
        draft.mkdir(mode=0o700)
    except FileExistsError:
        raise StoreRefused(f"{draft} is not stanlocal's and in the way of a restore; move it away") from None


def _exchange_for(copy: Path, store: Path, draft: Path, aside: Path) -> None:
    shutil.copy2(store / MARKER_FILE, draft / MARKER_FILE, follow_symlinks=False)
    _copy(copy, draft)
    _like(store, draft)
    copy_store(store, aside)
    old = store.stat()
    try:
        _exchange(draft, store)
    except BaseException:
        if _is(store, old):  # otherwise the copy may be all that is left of it
            shutil.rmtree(aside, ignore_errors=True)
        raise


def _is(folder: Path, known: os.stat_result) -> bool:
    try:
        return os.path.samestat(folder.stat(), known)
    except OSError:
        return False


def _check_known(store: Path) -> None:
    """Check that the folder holds only the server's files, as all others would be lost."""
    known = {*_files(store), *LOCKS, MARKER_FILE}
    held = (path for path in store.rglob("*") if path.is_symlink() or not path.is_dir())
    foreign = sorted({str(path.relative_to(store)) for path in held} - known)
    if foreign:
        raise StoreRefused(
            f"{store} holds files that are not the server's ({printable(foreign[0])}, …); move it away"
        )


def _exchange(one: Path, other: Path) -> None:
    """Put `one` in the place of `other`, which gets its name, by one system call of Linux.

    Where the system cannot do that, it takes two renames, and `other` is removed.
    """
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is not None:
        done = call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
        if done == 0:
            return
        number = ctypes.get_errno()
        if number not in (errno.ENOSYS, errno.EINVAL):  # else the file system cannot
            raise OSError(number, os.strerror(number))
    between = drafts.set_aside(one)
    other.rename(between)
    try:
        one.rename(other)
    except BaseException:
        between.rename(other)
        raise
    drafts.discard(between)  # what cannot be removed fails no restore: it is done


def _copy(source: Path, to: Path) -> int:
    size = 0
    for relative in _files(source):
        file = source / relative
        target = to / relative
        if not target.parent.exists():
            target.parent.mkdir(mode=0o700)
            _like(file.parent, target.parent)
        shutil.copy2(file, target, follow_symlinks=False)
        _own(file.stat(), target)
        size += target.stat().st_size
    return size


def _files(store: Path) -> Iterator[str]:
    """Yield the server's files relative to the store, those of channels included; no links."""
    for entry in sorted(os.scandir(store), key=lambda entry: entry.name):
        if entry.is_file(follow_symlinks=False) and is_servers(entry.name) and entry.name not in LOCKS:
            yield entry.name
        elif entry.is_dir(follow_symlinks=False):
            for file in sorted(os.scandir(entry.path), key=lambda file: file.name):
                if file.is_file(follow_symlinks=False) and is_channels(file.name):
                    yield f"{entry.name}/{file.name}"


def _like(model: Path, path: Path) -> None:
    """Give `path` the mode and, if permitted, the owner of `model`."""
    found = model.stat()
    path.chmod(stat.S_IMODE(found.st_mode))
    _own(found, path)


def _own(found: os.stat_result, path: Path) -> None:
    """Copy the owner, if permitted: only root may change it."""
    with suppress(PermissionError):
        os.chown(path, found.st_uid, found.st_gid, follow_symlinks=False)
