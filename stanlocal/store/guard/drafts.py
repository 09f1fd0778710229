"""Unfinished copies of a store: their names, and how those of a killed command are found and removed.

A restore builds the new store in a folder beside the old one, on its file system, so that the two can be
exchanged in one step. Such a folder gets the group's marker first and loses it last, so whatever moment a
command is killed at, what it leaves is recognised as this group's; a folder without the marker is left
alone, unless it is empty.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from stanlocal.store.guard.content import opened, real
from stanlocal.store.guard.marker import Marker, read_marker
from stanlocal.store.layout import MARKER_FILE

SUFFIX = ".stanlocal-draft"


def of_copy(copy: Path) -> Path:
    """Return the folder in which a snapshot is made until it is complete."""
    return copy.with_name(f"{copy.name}{SUFFIX}")


def of_store(store: Path) -> Path:
    """Return the folder in which a store's next content is made; after the exchange it holds the old one."""
    return store.parent / f".{store.name}{SUFFIX}"


def set_aside(draft: Path) -> Path:
    """Return the old store's name between the two renames, where folders cannot be exchanged in one step."""
    return draft.with_name(f"{draft.name}-old")


def recover(store: Path, group: str, group_id: str | None = None) -> None:
    """Put back the old store that a command killed between the two renames left under another name."""
    store = real(store)
    old = set_aside(of_store(store))
    if not store.exists() and _carries_marker(old, group, group_id):
        old.rename(store)


def remove(store: Path, group: str | None = None, group_id: str | None = None) -> None:
    """Remove the unfinished copies that killed restores of a group left beside its store.

    The group is by default the one whose marker the store carries.
    """
    store = real(store)
    if group is None and (marker := _marker_of(store)) is not None:
        group, group_id = marker.group, marker.id
    draft = of_store(store)
    for folder in (draft, set_aside(draft)):
        if group is not None and _carries_marker(folder, group, group_id):
            discard(folder)
        else:
            with suppress(OSError):  # absent, or it holds what no restore made
                folder.rmdir()


def remove_unfinished(snapshots: Path) -> None:
    """Remove the snapshots that killed commands did not complete."""
    for draft in snapshots.glob(f"*{SUFFIX}"):
        shutil.rmtree(draft, ignore_errors=True)


def discard(draft: Path) -> None:
    """Remove a draft, the marker last; what cannot be removed stays for the next command."""
    with suppress(OSError):
        for entry in os.scandir(draft):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.name != MARKER_FILE:
                Path(entry.path).unlink()
        (draft / MARKER_FILE).unlink(missing_ok=True)
        draft.rmdir()


def _carries_marker(folder: Path, group: str, group_id: str | None) -> bool:
    marker = _marker_of(folder)
    return marker is not None and marker.differs(group, group_id) is None


def _marker_of(folder: Path) -> Marker | None:
    try:
        with opened(folder) as descriptor:
            return read_marker(descriptor)
    except (OSError, ValueError):
        return None
