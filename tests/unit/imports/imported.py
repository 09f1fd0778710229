"""Deployments written to a folder and imported from there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stanlocal.errors import SettingsError
from stanlocal.imports.reading import Import, read
from stanlocal.settings import Settings, resolve

FT = "streaming {\n store: file\n ft_group: g\n"
"""The beginning of a stan.conf of an FT group."""


def write(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write files below the folder; return the paths of all."""
    paths = []
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        paths.append(path)
    return paths


def imported(folder: Path, files: Mapping[str, str], environ: Mapping[str, str] | None = None) -> Import:
    """Write the files and import the first of them."""
    return read(write(folder, files)[0], environ or {})


def settings(folder: Path, files: Mapping[str, str], environ: Mapping[str, str] | None = None) -> Settings:
    return resolve([imported(folder, files, environ).layer])


def matters(folder: Path, files: Mapping[str, str], environ: Mapping[str, str] | None = None) -> str:
    """Return nodes, cluster id, FT group, and whichever limits differ from the server's own."""
    return summary(settings(folder, files, environ))


def summary(found: Settings) -> str:
    streaming: Mapping[str, Any] = found.streaming
    own = {"max_channels": 100, "max_subs": 1000, "max_msgs": 1_000_000, "max_bytes": 1_024_000_000}
    limits = {name: value for name, value in streaming["store_limits"].items() if value != own.get(name)}
    limits.pop("max_age") if limits.get("max_age") == "0" else None
    shown = "".join(f" {name}={value}" for name, value in limits.items())
    return f"{found.nodes} {streaming['cluster_id']} {streaming['ft_group_name']}{shown}"


def problems(folder: Path, files: Mapping[str, str], environ: Mapping[str, str] | None = None) -> list[str]:
    """Return why the first of the files cannot be run, without its folder."""
    with pytest.raises(SettingsError) as caught:
        settings(folder, files, environ)
    assert all("\n" not in problem for problem in caught.value.problems)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def reported(found: Import) -> list[str]:
    """Return the findings as lines, without the folders of their files."""
    return [
        f"{Path(each.place.file).name}:{each.place.line}: {each.what} {each.how}: {each.why}"
        for each in found.findings
    ]
