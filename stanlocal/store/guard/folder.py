"""The guard of the store folder: what is in it, who may use it, and what of it may be deleted."""

from __future__ import annotations

from stanlocal.store.guard.claim import Claim, claim
from stanlocal.store.guard.content import StoreKind, StoreState, inspect_store
from stanlocal.store.guard.marker import Marker
from stanlocal.store.guard.purge import PurgeReport, check_purgeable, discard_unused, purge
from stanlocal.store.layout import lock_file

__all__ = [
    "Claim",
    "Marker",
    "PurgeReport",
    "StoreKind",
    "StoreState",
    "check_purgeable",
    "claim",
    "discard_unused",
    "inspect_store",
    "lock_file",
    "purge",
]
