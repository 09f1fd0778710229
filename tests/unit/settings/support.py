"""Short ways to settle settings in a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stanlocal.errors import SettingsError
from stanlocal.settings import Settings, load

NOWHERE = Path("/nowhere/at/all")
"""A working directory with no stanlocal.toml in or above it."""


def settle(
    environ: Mapping[str, str] | None = None,
    *,
    file: Path | None = None,
    start: Path = NOWHERE,
    existing: Mapping[str, Any] | None = None,
    **flags: Any,
) -> Settings:
    return load(flags, environ or {}, file, start, existing)


def problems(environ: Mapping[str, str] | None = None, **given: Any) -> tuple[str, ...]:
    """Return the problems of these settings."""
    with pytest.raises(SettingsError) as caught:
        settle(environ, **given)
    return caught.value.problems
