"""The store that a command reads: a folder that the user names, else the group's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stanlocal.cli.context import Context

if TYPE_CHECKING:
    from stanlocal.model.plan import GroupPlan


def store_folder(context: Context, folder: Path | None, how: str) -> tuple[Path, GroupPlan | None]:
    """Return the store's folder, and the plan of the group that made the store, or of which it is a copy.

    A copy carries the marker of its group; the plan is None if that is not one of the caller's. `how` names
    the option or argument that names a folder. Raises `GroupNotFound` without a group.
    """
    if folder is not None:
        return folder, _plan_of_copy(folder)
    from stanlocal.errors import GroupNotFound
    from stanlocal.group.home import GroupHome
    from stanlocal.machine.user_dirs import group_folder
    from stanlocal.store.local import local_store

    name = context.settings().group
    plan = GroupHome(group_folder(name)).load_plan()
    if plan is None:
        raise GroupNotFound(f"no group '{name}'; start it with 'stanlocal up', or name a store with {how}")
    return local_store(plan), plan


def _plan_of_copy(folder: Path) -> GroupPlan | None:
    """Return the plan of the caller's group whose marker the folder carries."""
    from stanlocal.errors import GroupError, StoreRefused
    from stanlocal.group.home import GroupHome
    from stanlocal.machine.user_dirs import group_folder
    from stanlocal.store.guard.content import inspect_store

    try:
        marker = inspect_store(folder).marker
    except StoreRefused:  # what reads the store reports it
        return None
    if marker is None or marker.id is None:
        return None
    try:
        plan = GroupHome(group_folder(marker.group)).load_plan()
    except (GroupError, ValueError):  # none of the caller's groups can have that name, or its plan is damaged
        return None
    return plan if plan is not None and marker.differs(plan.group, plan.group_id) is None else None
