"""The folder of a group's store on this machine."""

from __future__ import annotations

from pathlib import Path

from stanlocal.errors import StoreRefused
from stanlocal.model.plan import GroupPlan


def local_store(plan: GroupPlan) -> Path:
    """Return the folder of the group's store.

    Raises `StoreRefused` for a store in a volume or on a cluster; its message says how to copy it.
    """
    if plan.in_cluster:
        raise StoreRefused(
            f"the store of '{plan.group}' is on a volume of the cluster, no folder here; copy it from a pod "
            "that mounts the volume, and read the copy with '--dir DIR'"
        )
    if plan.store_volume is not None:
        raise StoreRefused(
            f"the store of '{plan.group}' is in a volume of the engine, no folder here; copy it with "
            f"'docker cp {plan.store_location} DIR', and read the copy with '--dir DIR'"
        )
    return Path(plan.store_dir)
