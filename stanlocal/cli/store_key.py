"""`encryption_key`: the key of an encrypted store, for commands that read its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stanlocal.cli.context import Context
from stanlocal.errors import SettingsError

if TYPE_CHECKING:
    from stanlocal.model.plan import GroupPlan
    from stanlocal.store.format.encryption import StoreKey


def encryption_key(context: Context, plan: GroupPlan | None, file: Path | None) -> StoreKey | None:
    """Return the key from a file, the environment, or the secrets of the group; None if there is none.

    `plan` is the group's, if the store is the group's. Raises `SettingsError` for an unreadable file.
    """
    from stanlocal.settings.environment import SERVER_KEY, first_line, read_environment

    found: Any = None
    if file is not None:
        try:
            found = first_line(file)
        except (OSError, ValueError) as error:
            raise SettingsError([f"--key-file {file} cannot be read: {error}"]) from error
    else:
        environment = read_environment(os.environ, Path.cwd(), None)
        if environment.problems:
            raise SettingsError(environment.problems)
        found = _key_of(environment.layer.values) or os.environ.get(SERVER_KEY)
    if not found and plan is not None:
        from stanlocal.group.store_key import store_key

        return store_key(plan)
    if not found:
        return None
    from stanlocal.store.format.encryption import StoreKey

    return StoreKey.of(str(found))


def _key_of(settings: Any) -> Any:
    streaming = settings.get("streaming")
    return streaming.get("encryption_key") if isinstance(streaming, dict) else None
