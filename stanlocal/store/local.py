"""The folder of a group's store on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stanlocal.errors import StoreRefused
from stanlocal.model.group_document import is_in_cluster
from stanlocal.model.plan import GroupPlan


def local_store(plan: GroupPlan) -> Path:
    """Return the folder of the group's store.

    Raises `StoreRefused` for a store in a volume or on a cluster; its message says how to copy it.
    """
    if plan.in_cluster:
        raise _on_cluster(plan.group)
    if plan.store_volume is not None:
        raise StoreRefused(
            f"the store of '{plan.group}' is in a volume of the engine, no folder here; copy it with "
            f"'docker cp {plan.store_location} DIR', and read the copy with '--dir DIR'"
        )
    return Path(plan.store_dir)


def store_of_document(document: Mapping[str, Any]) -> Path:
    """Return the folder of the store of a group document; raise `StoreRefused` for one on a cluster."""
    if is_in_cluster(document):
        raise _on_cluster(str(document["group"]))
    return Path(document["store_dir"])


def _on_cluster(group: str) -> StoreRefused:
    return StoreRefused(
        f"the store of '{group}' is on a volume of the cluster, no folder here; copy it from a pod that "
        "mounts the volume, and read the copy with '--dir DIR'"
    )
