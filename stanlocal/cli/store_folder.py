"""The store that a command reads: a folder that the user names, else the group's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stanlocal.cli.context import Context

if TYPE_CHECKING:
    from stanlocal.model.plan import GroupPlan


def store_folder(context: Context, folder: Path | None, how: str) -> tuple[Path, GroupPlan | None]:
    """Return the store's folder, and the group's plan if the store is the group's.

    `how` names the option or argument that names a folder. Raises `GroupNotFound` without a group.
    """
    if folder is not None:
        return folder, None
    from stanlocal.errors import GroupNotFound
    from stanlocal.group.home import GroupHome
    from stanlocal.machine.user_dirs import group_folder
    from stanlocal.store.local import local_store

    name = context.settings().group
    plan = GroupHome(group_folder(name)).load_plan()
    if plan is None:
        raise GroupNotFound(f"no group '{name}'; start it with 'stanlocal up', or name a store with {how}")
    return local_store(plan), plan
