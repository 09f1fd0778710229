"""Where the files of a group's store can be read on this machine, if anywhere."""

from __future__ import annotations

from pathlib import Path

from stanlocal.errors import StoreRefused
from stanlocal.model.plan import GroupPlan


def local_store(plan: GroupPlan) -> Path:
    """The folder of the group's store; `StoreRefused`, which says how to get a copy, for one in a volume."""
    if plan.store_volume is not None:
        raise StoreRefused(
            f"the store of '{plan.group}' is in a volume of the engine, no folder here; copy it with "
            f"'docker cp {plan.store_location} DIR', and read the copy with '--dir DIR'"
        )
    return Path(plan.store_dir)
