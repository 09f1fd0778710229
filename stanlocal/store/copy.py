"""Copies of a store and back: whole or not at all, and never through a link.

Only what the server makes is copied, by name; its lock files and stanlocal's marker are not. Owner, mode and
times are kept as far as the caller may.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from stanlocal.errors import StoreRefused
from stanlocal.store.content import real
from stanlocal.store.layout import LOCKS, MARKER_FILE, is_channels, is_servers

_DRAFT = ".stanlocal-draft"


def copy_store(store: Path, to: Path) -> int:
    """Copies the store's files to the new folder `to`; returns how many bytes they hold.

    No server must be writing meanwhile. Raises `StoreRefused`, with nothing left behind, when that fails.
    """
    draft = to.with_name(f"{to.name}{_DRAFT}")
    if to.exists():
        raise StoreRefused(f"{to} exists already; choose another name")
    try:
        shutil.rmtree(draft, ignore_errors=True)  # of one that was killed
        draft.mkdir(parents=True, mode=0o700)
        size = _copy(store, draft)
        draft.rename(to)
    except OSError as err:
        shutil.rmtree(draft, ignore_errors=True)
        raise StoreRefused(f"cannot copy the store {store} to {to} ({err.strerror})") from err
    return size


def put_back(copy: Path, store: Path, aside: Path) -> None:
    """Makes `store` hold what `copy` does; what was in it becomes the copy `aside`.

    No server must run on it. The folder is replaced by another one of the same name, owner and marker: at
    each moment the store is the old or the new one, but between two renames. Raises `StoreRefused`, with the
    old store in place, when that fails; so also for a store that is a mount point.
    """
    store = real(store)
    draft = store.with_name(f".{store.name}{_DRAFT}")
    replaced = store.with_name(f".{store.name}.replaced")
    if not store.exists() and replaced.exists():  # a restore that was killed between the renames
        replaced.rename(store)
    try:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)
        draft.mkdir(mode=0o700)
        _copy(copy, draft)
        shutil.copy2(store / MARKER_FILE, draft / MARKER_FILE, follow_symlinks=False)
        _like(store, draft)
        copy_store(store, aside)
        store.rename(replaced)
        try:
            draft.rename(store)
        except OSError:
            replaced.rename(store)
            raise
    except OSError as err:
        shutil.rmtree(draft, ignore_errors=True)
        raise StoreRefused(f"cannot put {copy.name} back into {store} ({err.strerror})") from err
    shutil.rmtree(replaced, ignore_errors=True)


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
    """The server's files, relative to the store, those of channels included; no links."""
    for entry in sorted(os.scandir(store), key=lambda entry: entry.name):
        if entry.is_file(follow_symlinks=False) and is_servers(entry.name) and entry.name not in LOCKS:
            yield entry.name
        elif entry.is_dir(follow_symlinks=False):
            for file in sorted(os.scandir(entry.path), key=lambda file: file.name):
                if file.is_file(follow_symlinks=False) and is_channels(file.name):
                    yield f"{entry.name}/{file.name}"


def _like(model: Path, path: Path) -> None:
    found = model.stat()
    path.chmod(stat.S_IMODE(found.st_mode))
    _own(found, path)


def _own(found: os.stat_result, path: Path) -> None:
    """Only root may give files away; everybody else owns what it copies."""
    with suppress(PermissionError):
        os.chown(path, found.st_uid, found.st_gid, follow_symlinks=False)
