"""Files written and imported, for the tests of all kinds of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stanlocal.errors import SettingsError
from stanlocal.imports.reading import Import, read
from stanlocal.settings import Settings, resolve

Write = Callable[[str, str], Path]
CASES = Path(__file__).parent / "cases"
"""Small files of kinds that people have."""
FT = "store: file, dir: d, ft_group: g"
"""What every stan.conf of an FT group has."""


def problems(path: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return why the file cannot be run, without its folder."""
    with pytest.raises(SettingsError) as caught:
        resolve([read(path, environ or {}).layer])
    assert all("\n" not in problem for problem in caught.value.problems)
    return [problem.replace(f"{path.parent}/", "") for problem in caught.value.problems]


def reported(imported: Import) -> list[str]:
    return [f"{each.place.line}: {each.what} {each.how}: {each.why}" for each in imported.findings]


def values(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    return resolve([read(path, environ or {}).layer])
