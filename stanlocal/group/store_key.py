"""The key of a group's encrypted store, from the group's secrets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stanlocal.model.plan import GroupPlan
    from stanlocal.store.format.encryption import StoreKey


def store_key(plan: GroupPlan) -> StoreKey | None:
    """Return the key that the group's servers encrypt messages with; None if they do not.

    Raises `StateError` if the group's secrets cannot be read.
    """
    from stanlocal.access.secrets_folder import SecretsFolder
    from stanlocal.store.format.encryption import StoreKey

    streaming = SecretsFolder(Path(plan.secrets_dir)).load().get("streaming")
    key = streaming.get("encryption_key") if isinstance(streaming, dict) else None
    return StoreKey.of(str(key)) if key else None
