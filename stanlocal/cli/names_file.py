"""The option `--names` of the migrate commands: a file with names of streams and consumers."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from stanlocal.migrate.naming import Names

names_option = click.option(
    "--names",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="TOML with names of streams and consumers to use.",
)


def read_names(path: Path | None) -> Names | None:
    """Return the names in a file; raises `SettingsError` where it holds none."""
    if path is None:
        return None
    from stanlocal.errors import SettingsError
    from stanlocal.migrate.naming import Names
    from stanlocal.util.small_files import read_small

    try:
        return Names.of(tomllib.loads(read_small(path).decode()))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(
            [f"{path}: {reason}; give a TOML file with the tables 'streams' and 'consumers'"]
        ) from error
