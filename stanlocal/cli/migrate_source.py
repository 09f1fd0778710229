"""Options that name the source of a migration: the store, its limits, its key, and names to use."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stanlocal.cli.context import Context
from stanlocal.cli.login_options import with_options
from stanlocal.cli.names_file import names_option, read_names
from stanlocal.cli.store_folder import store_folder
from stanlocal.cli.store_key import encryption_key

if TYPE_CHECKING:
    from stanlocal.migrate.plan import MigrationPlan
    from stanlocal.model.plan import GroupPlan

_PATH = click.Path(path_type=Path)
_F = TypeVar("_F", bound=Callable[..., Any])

key_option = click.option(
    "--key-file", type=_PATH, metavar="FILE", help="File with the key of an encrypted store."
)
_OPTIONS = (
    click.argument("store", required=False, type=_PATH),
    names_option,
    key_option,
    click.option(
        "--from",
        "from_files",
        multiple=True,
        metavar="FILE",
        help="Existing stan.conf, manifests, chart values: the limits that the store was written under.",
    ),
)


@dataclass(frozen=True, slots=True)
class Source:
    """The start of a migration as the options name it."""

    store: Path | None
    names: Path | None
    key_file: Path | None
    from_files: tuple[str, ...]

    def plan(self, context: Context) -> tuple[MigrationPlan, GroupPlan | None]:
        """Return the plan, and the group's if the store is the group's.

        Raises `SettingsError`, `StoreRefused` and `GroupNotFound`.
        """
        from stanlocal.migrate.inventory import take_inventory
        from stanlocal.migrate.plan import make_plan

        folder, group = store_folder(context, self.store, "the argument STORE")
        limits = group.streaming.get("store_limits", {}) if group else None
        if self.from_files:
            limits = _imported_limits(self.from_files)
        key = encryption_key(context, group, self.key_file)
        inventory = take_inventory(folder, limits, key=key)
        return make_plan(inventory, read_names(self.names), limits_known=limits is not None), group


def source_of_migration(command: _F) -> _F:
    """Add the options; the command gets them as one `Source`, its argument `source`."""

    @wraps(command)
    def with_source(*args: Any, **values: Any) -> Any:
        names = ("store", "names", "key_file", "from_files")
        return command(*args, source=Source(**{name: values.pop(name) for name in names}), **values)

    return with_options(with_source, _OPTIONS)  # type: ignore[return-value]


def _imported_limits(files: tuple[str, ...]) -> dict[str, Any]:
    """Return the limits of a deployment, the server's own defaults included."""
    from stanlocal.imports.reading import read
    from stanlocal.settings.text import read_standard_input

    found = read(
        [Path(each) for each in files], os.environ, file_store=True, standard_input=read_standard_input
    )
    limits = found.layer.values.get("streaming", {}).get("store_limits", {})
    return dict(limits)
