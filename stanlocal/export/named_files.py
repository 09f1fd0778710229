"""The files that options name, certificates and keys, moved to a folder of a container. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from stanlocal.errors import SettingsError
from stanlocal.model.plan import GroupPlan
from stanlocal.settings import host_files


def named_files(plan: GroupPlan) -> list[str]:
    """Return the paths of the files, each once."""
    return sorted(set(host_files(plan.streaming, plan.nats).values()))


def key(path: str) -> str:
    """Return the file's name, with `_` for what names of secrets cannot have."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", PurePosixPath(path).name)


def moved(plan: GroupPlan, folder: str, without: Collection[str] = ()) -> GroupPlan:
    """Return the plan with every file, except those in `without`, under its own name in `folder`.

    Raises `SettingsError` for files of the same name.
    """
    paths = {path: f"{folder}/{key(path)}" for path in named_files(plan) if path not in without}
    if len(set(paths.values())) < len(paths):
        raise SettingsError([f"files of the same name cannot be in one folder: {', '.join(paths)}"])
    return replace(plan, streaming=_moved(plan.streaming, paths), nats=_moved(plan.nats, paths))


def _moved(value: Any, paths: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _moved(item, paths) for name, item in value.items()}
    return paths.get(value, value) if isinstance(value, str) else value
