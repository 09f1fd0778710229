"""What was found out of an engine by trying it, kept in the user's cache: a trial takes about a second.

A result is kept under all that it depends on; when any of that changes, it is tried anew.
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

PROBE = "probe"
"""A folder in that of a group, while it is tried whether nodes see it."""
_NETWORK = Path("/proc/self/ns/net")


def key(what: str, engine: str, *depends_on: object) -> str:
    """The name of a result."""
    told = json.dumps([what, engine, *map(str, depends_on)])
    return f"{what}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def here() -> tuple[str, str]:
    """Which machine or container this is, and which network it is in."""
    try:
        network = str(_NETWORK.readlink())
    except OSError:  # a system without
        network = "-"
    return os.uname().nodename, network


def which_engine(address: str, ask_id: Callable[[], str]) -> str:
    """What tells this engine from any other: on this machine its socket, elsewhere the id that it has."""
    if not address.startswith("unix://"):
        return ask_id()
    try:
        socket = Path(address.removeprefix("unix://")).stat()
    except OSError:  # gone since
        return ask_id()
    return f"{socket.st_dev}:{socket.st_ino}:{socket.st_ctime_ns}"


def file_system(folder: Path) -> tuple[str, int]:
    """Where the file system of that folder is mounted, and its device."""
    device = folder.stat().st_dev
    point = folder
    while not os.path.ismount(point):
        point = point.parent
    return str(point), device


def beside(store: Path) -> Path:
    """The folder beside a store, on its file system, in which locks are tried."""
    return store.with_name(f".{store.name}.stanlocal-probe")


def recall(name: str) -> Any:
    """What was kept under the name; None when there is nothing that can be read."""
    try:
        return read_json(_folder() / name)
    except (OSError, ValueError):
        return None


def keep(name: str, result: Any) -> None:
    """Keeps a result, anything that JSON can hold; where there can be no cache, it will be tried anew."""
    with suppress(OSError, SettingsError):
        folder = make_private(_folder())
        draft = folder / f".{name}.{os.getpid()}"
        draft.write_text(json.dumps(result))
        draft.replace(folder / name)


def _folder() -> Path:
    return cache_folder() / "engines"
