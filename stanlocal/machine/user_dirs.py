"""Where stanlocal keeps things: the user's state, cache and configuration folders.

State (plans, journals, logs, stores by default) outlives reboots; the cache can be deleted at any time; the
configuration is written by its user alone. `XDG_STATE_HOME`, `XDG_CACHE_HOME` and `XDG_CONFIG_HOME` count on
every platform; without them it is the platform's own place.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from stanlocal.errors import SettingsError

APP = "stanlocal"


def state_home(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that has one folder for each group of this user. It may not exist yet."""
    if (base := _xdg("XDG_STATE_HOME", environ)) is not None:
        return base / APP
    import platformdirs

    return platformdirs.user_state_path(APP, appauthor=False)


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """For what can be made again, such as a server binary. It may not exist yet."""
    if (base := _xdg("XDG_CACHE_HOME", environ)) is not None:
        return base / APP
    import platformdirs

    return platformdirs.user_cache_path(APP, appauthor=False)


def config_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """For what the user has chosen once and for all. It may not exist."""
    if (base := _xdg("XDG_CONFIG_HOME", environ)) is not None:
        return base / APP
    import platformdirs

    return platformdirs.user_config_path(APP, appauthor=False)


def group_folder(group: str, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of one group; `ValueError` for a name that would lead out of the state folder."""
    if group in ("", ".", "..") or "/" in group or os.sep in group or "\0" in group:
        raise ValueError(f"{group!r} cannot be the name of a group's folder")
    return state_home(environ) / group


def make_private(folder: Path) -> Path:
    """Makes the folder and what is missing above it, each for its owner only (0700), and gives it back.

    Raises `SettingsError` when it cannot be made, or is there and belongs to somebody else, who could
    change under our hands what is kept in it.
    """
    try:
        for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        status = folder.stat()
    except OSError as err:
        raise SettingsError(
            [f"cannot make the folder {folder} ({err.strerror}); set XDG_STATE_HOME to one of yours"]
        ) from err
    if not stat.S_ISDIR(status.st_mode):
        raise SettingsError([f"{folder} is not a folder; move it away, or set XDG_STATE_HOME"])
    if os.geteuid() not in (0, status.st_uid):
        raise SettingsError(
            [f"{folder} belongs to uid {status.st_uid}, not to you; set XDG_STATE_HOME to a folder of yours"]
        )
    return folder


def _xdg(variable: str, environ: Mapping[str, str]) -> Path | None:
    """None when it is unset or relative: the XDG specification has relative paths ignored."""
    value = environ.get(variable, "")
    return Path(value) if value.startswith("/") else None
