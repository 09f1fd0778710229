"""The file that keeps a reader's place in the tour, beside the folders of groups."""

from __future__ import annotations

import json
import os
from pathlib import Path

from stanlocal.machine.user_dirs import make_private, state_home
from stanlocal.tui.tour.guide import Progress
from stanlocal.util.durable_write import full_disk_reported
from stanlocal.util.small_files import read_json

_FOLDER, _FILE = "_tour", "progress.json"
"""Folder beside those of groups, a name that no group can have; and the file in it."""


def load() -> Progress:
    """Return the saved place; the beginning where there is none, or none that can be read."""
    try:
        return Progress.from_document(read_json(_path()))
    except (OSError, ValueError):
        return Progress()


def save(progress: Progress) -> None:
    """Save the place. Raises `SettingsError`, `StateError` or `OSError` where that is impossible."""
    path = _path()
    make_private(path.parent)
    beside = path.with_name(f".{_FILE}.{os.getpid()}")
    with full_disk_reported(path):
        try:
            beside.write_text(json.dumps(progress.document()) + "\n", "ascii")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def _path() -> Path:
    return state_home() / _FOLDER / _FILE
