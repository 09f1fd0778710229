"""The user's state, cache and configuration folders of stanlocal.

State (plans, journals, logs, stores by default) outlives reboots; the cache can be deleted at any time; only
the user writes the configuration. `XDG_STATE_HOME`, `XDG_CACHE_HOME` and `XDG_CONFIG_HOME` apply on
every platform; without them the platform's own folders are used.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from stanlocal.errors import SettingsError

APP = "stanlocal"
CLUSTERS = "_clusters"
"""Folder in the state folder for groups of clusters; no group can have its name."""
TRIAL_FOLDER = "probe"
"""Folder within a group's, temporary, for the trial whether the engine's containers see these folders."""


def state_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that holds one folder per group of this user. It may not exist yet."""
    if (base := _xdg("XDG_STATE_HOME", environ)) is not None:
        return base / APP
    import platformdirs

    return platformdirs.user_state_path(APP, appauthor=False)


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for reproducible files, such as a server binary. It may not exist yet."""
    if (base := _xdg("XDG_CACHE_HOME", environ)) is not None:
        return base / APP
    import platformdirs

    return platformdirs.user_cache_path(APP, appauthor=False)


def config_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for the user's general configuration. It may not exist."""
    if (base := _xdg("XDG_CONFIG_HOME", environ)) is not None:
        return base / APP
    import platformdirs

    return platformdirs.user_config_path(APP, appauthor=False)


def group_folder(group: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of a group; raises `ValueError` for a name that leads out of the state folder."""
    if group in ("", ".", "..") or "/" in group or os.sep in group or "\0" in group:
        raise ValueError(f"{group!r} cannot be the name of a group's folder")
    return state_home(environ) / group


def cluster_folder(server: str, namespace: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for the state of groups in a cluster's namespace, by its API server's URL."""
    import hashlib

    return state_home(environ) / CLUSTERS / hashlib.sha256(server.encode()).hexdigest()[:16] / namespace


def make_private(folder: Path) -> Path:
    """Make the folder and its missing parents, each for its owner only (0700), and return it.

    Raises `SettingsError` if it cannot be made, or exists and belongs to another user, who could change its
    content.
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
    """Return the path in `variable`; None if unset, or relative, which the XDG specification ignores."""
    value = environ.get(variable, "")
    return Path(value) if value.startswith("/") else None
