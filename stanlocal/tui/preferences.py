"""The user's own keys and theme, in `tui.toml` of the user's configuration folder.

::

    theme = "stanlocal-light"

    [keys]
    kill = "x"
    quit = "q,ctrl+q"
    "logs.search" = "ctrl+f"

A project's stanlocal.toml cannot set them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stanlocal.errors import SettingsError
from stanlocal.machine.user_dirs import config_folder
from stanlocal.settings.file import file_layer
from stanlocal.util.nearest import nearest

FILE = "tui.toml"
_MODIFIERS = re.compile(r"(?:(?:ctrl|alt|shift|super)\+)*")
_NAMED = {
    "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete", "tab", "enter",
    "escape", "space", "backspace",
    *(f"f{number}" for number in range(1, 25)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preferences:
    """Theme and keys that the user has chosen."""

    theme: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by the name of their action; several are separated by commas."""


def load(environ: Mapping[str, str] = os.environ) -> tuple[Path, Preferences]:
    """Return the path of the user's file and its preferences; the defaults if the file does not exist.

    Raises `SettingsError` with all problems, except unknown names of keys, which `keys.check` finds.
    """
    path = config_folder(environ) / FILE
    if not path.is_file():
        return path, Preferences()
    values = dict(file_layer(path, None, named=True).values)
    theme, keys = values.pop("theme", None), values.pop("keys", {})
    problems = [f"{path}: '{name}' is not a preference; valid are theme and [keys]" for name in values]
    if theme is not None and not isinstance(theme, str):
        problems.append(f'{path}: theme must be a string such as "stanlocal-light"')
    if not isinstance(keys, dict):
        problems.append(f"{path}: keys must be a table: [keys]")
    else:
        problems += [f"{path}: keys.{name} {wrong}" for name, key in keys.items() if (wrong := _wrong(key))]
    if problems:
        raise SettingsError(problems)
    return path, Preferences(theme, keys)


def _wrong(keys: Any) -> str | None:
    """Return why this is not a key or a list of keys; None if it is."""
    if not isinstance(keys, str):
        return 'must be a key such as "ctrl+k", or several such as "q,ctrl+q"'
    for key in keys.split(","):
        base = key.strip()[len(_MODIFIERS.match(key.strip())[0]) :]  # type: ignore[index]  # it always matches
        if not (len(base) == 1 and base.isprintable()) and base not in _NAMED:
            return f"is '{key}', which is no key; beside single characters {nearest(base, sorted(_NAMED))}"
    return None
