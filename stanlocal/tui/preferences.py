"""What a user has chosen once and for all: keys and theme, in `tui.toml` of the user's configuration folder.

::

    theme = "stanlocal-light"

    [keys]
    kill = "x"
    quit = "q,ctrl+q"
    "logs.search" = "ctrl+f"

A project's stanlocal.toml has no such settings: the interface is its user's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stanlocal.drill.scenario.fields import nearest
from stanlocal.errors import SettingsError
from stanlocal.machine.user_dirs import config_folder
from stanlocal.settings.file import file_layer

FILE = "tui.toml"
_MODIFIERS = re.compile(r"(?:(?:ctrl|alt|shift|super)\+)*")
_NAMED = {
    "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete", "tab", "enter",
    "escape", "space", "backspace",
    *(f"f{number}" for number in range(1, 25)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preferences:
    """What was chosen; empty where nothing was."""

    theme: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    """By what they do; each key, or several with commas between."""


def load(environ: Mapping[str, str] = os.environ) -> tuple[Path, Preferences]:
    """The user's file, and what is in it; defaults where there is none.

    Raises `SettingsError` with every problem that can be seen without knowing what keys there are.
    """
    path = config_folder(environ) / FILE
    if not path.is_file():
        return path, Preferences()
    values = dict(file_layer(path, None, named=True).values)
    theme, keys = values.pop("theme", None), values.pop("keys", {})
    problems = [f"{path}: '{name}' is not a preference: there are theme and [keys]" for name in values]
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
    """What keeps it from being keys."""
    if not isinstance(keys, str):
        return 'must be a key such as "ctrl+k", or several such as "q,ctrl+q"'
    for key in keys.split(","):
        base = key.strip()[len(_MODIFIERS.match(key.strip())[0]) :]  # type: ignore[index]  # it always matches
        if not (len(base) == 1 and base.isprintable()) and base not in _NAMED:
            return f"is '{key}', which is no key; beside single characters {nearest(base, sorted(_NAMED))}"
    return None
