"""The store that a pack was made from, and how, as the pack notes it: a load is verified with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stanlocal.errors import StoreRefused
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.naming import Names
from stanlocal.migrate.plan import MigrationPlan, make_plan
from stanlocal.store.format.encryption import StoreKey


@dataclass(frozen=True, slots=True)
class PackSource:
    """The start of a pack; without the key of an encrypted store, which is a secret."""

    store: Path
    store_limits: Mapping[str, Any] | None
    names: Names
    salvage: bool

    @classmethod
    def of(cls, plan: MigrationPlan, *, salvage: bool) -> PackSource:
        inventory = plan.inventory
        return cls(inventory.store.absolute(), inventory.store_limits, plan.names, salvage)

    @classmethod
    def read(cls, document: Any) -> PackSource | None:
        """Return what a pack notes; None where it notes none."""
        if not isinstance(document, dict):
            return None
        store, limits = document.get("store"), document.get("store_limits")
        if not isinstance(store, str) or not isinstance(limits, dict | None):
            return None
        names = document.get("names")
        named = Names.of(names if isinstance(names, dict) else {})
        return cls(Path(store), limits, named, document.get("salvage") is True)

    def document(self) -> dict[str, Any]:
        return {
            "store": str(self.store),
            "store_limits": self.store_limits,
            "names": {"streams": dict(self.names.streams), "consumers": dict(self.names.consumers)},
            "salvage": self.salvage,
        }

    def plan(self, key: StoreKey | None) -> MigrationPlan:
        """Plan the migration again, to verify it; raises `StoreRefused` when the store is no longer there."""
        if not self.store.is_dir():
            raise StoreRefused(
                f"the store {self.store} that was packed is not there; "
                "'stanlocal migrate verify' takes a copy of it"
            )
        inventory = take_inventory(self.store, self.store_limits, key=key)
        return make_plan(inventory, self.names, limits_known=self.store_limits is not None)
