"""Removal that says what it could not remove: what stays may be a key."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from stanlocal.util.printable import printable


def remove_all(paths: Iterable[Path]) -> tuple[str, ...]:
    """Remove files, links and folders with all that they hold; missing ones are no error.

    Returns the entries that stay, each with the reason, in printable characters: of a folder one of them.
    """
    return tuple(filter(None, map(_remove, paths)))


def _remove(path: Path) -> str | None:
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            shutil.rmtree(path, ignore_errors=True)  # goes on where it fails
            shutil.rmtree(path)  # says why, and retries where something was put there meanwhile
    except FileNotFoundError:
        return None
    except OSError as error:
        files = (each for each in path.rglob("*") if not each.is_dir())
        return printable(f"{next(files, path)} ({error.strerror})")
    return None
