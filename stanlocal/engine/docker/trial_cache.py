"""Cache of the results of trials of an engine, in the user's cache folder: a trial takes about a second.

The key of a result covers everything it depends on; if any of that changes, the trial is repeated.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from stanlocal.errors import SettingsError
from stanlocal.machine.user_dirs import cache_folder, make_private
from stanlocal.util.small_files import read_json

_NETWORK = Path("/proc/self/ns/net")


def key(what: str, engine: str, *depends_on: object) -> str:
    """Return the name of a result."""
    content = json.dumps([what, engine, *map(str, depends_on)])
    return f"{what}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def here() -> tuple[str, str]:
    """Return the name of this machine or container, and the id of its network namespace."""
    try:
        network = str(_NETWORK.readlink())
    except OSError:  # a system without network namespaces
        network = "-"
    return os.uname().nodename, network


def which_engine(address: str, ask_id: Callable[[], str]) -> str:
    """Return the identity of the engine: its socket's on this machine, otherwise its own id."""
    if not address.startswith("unix://"):
        return ask_id()
    try:
        socket = Path(address.removeprefix("unix://")).stat()
    except OSError:  # gone since
        return ask_id()
    return f"{socket.st_dev}:{socket.st_ino}:{socket.st_ctime_ns}"


def file_system(folder: Path) -> tuple[str, int]:
    """Return the mount point of the folder's file system, and its device."""
    device = folder.stat().st_dev
    point = folder
    while not os.path.ismount(point):
        point = point.parent
    return str(point), device


def beside(store: Path) -> Path:
    """Return the folder beside a store, on its file system, for the trial of locks."""
    return store.with_name(f".{store.name}.stanlocal-probe")


def recall(name: str) -> Any:
    """Return the result of that name; None if none can be read."""
    try:
        return read_json(_folder() / name)
    except (OSError, ValueError):
        return None


def keep(name: str, result: Any) -> None:
    """Store a result (any JSON value); if it cannot be stored, the trial is repeated next time."""
    with suppress(OSError, SettingsError):
        folder = make_private(_folder())
        draft = folder / f".{name}.{os.getpid()}"
        draft.write_text(json.dumps(result))
        draft.replace(folder / name)


def _folder() -> Path:
    return cache_folder() / "engines"
