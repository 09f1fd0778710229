"""The store of a group that is brought up: found free, cleared of what killed commands left, and claimed."""

from __future__ import annotations

from pathlib import Path

from stanlocal.group.core import Group
from stanlocal.group.home import SNAPSHOTS
from stanlocal.lifecycle.planner import UpRequest
from stanlocal.settings import Settings
from stanlocal.store.guard import drafts
from stanlocal.store.guard.claim import Claim, claim
from stanlocal.store.guard.holder import check_not_held


def claim_store(
    group: Group, request: UpRequest, settings: Settings, group_id: str, *, in_use: bool
) -> Claim:
    """Claim the store for the group, once the group's id is kept.

    `in_use` says whether nodes of the group serve on it; otherwise no process may hold its lock. Raises
    `StoreRefused` for a store that is held, or another group's.
    """
    store = Path(settings.store_dir or group.home.default_store)
    if not in_use:
        check_not_held(store, f"no node of {group.name} could serve on its store")
    drafts.recover(store, group.name, group_id)
    drafts.remove(store, group.name, group_id)
    drafts.remove_unfinished(group.home.folder / SNAPSHOTS)
    group.home.save_group_id(group_id)
    return claim(
        store,
        group=group.name,
        cluster_id=str(settings.streaming["cluster_id"]),
        user=request.user,
        group_id=group_id,
    )


def note_made(group: Group, request: UpRequest, claimed: Claim) -> None:
    """Note a store that stanlocal has made; say so if it is another, which a purge must leave."""
    made_stores = group.home.made_stores
    if claimed.marker.adopted:
        return
    if claimed.unused:
        made_stores.add(claimed.path)
    elif claimed.path not in made_stores:
        request.note(
            f"the store {claimed.path} is a copy, or was moved here: "
            "'stanlocal down --purge' will not delete it"
        )
