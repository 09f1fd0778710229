"""The scratch group of a drill, which is purged with its store at the end."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from stanlocal.api import FTGroup, core_of, group_over
from stanlocal.drill.scenario.scenario import Scenario
from stanlocal.group import store_snapshots
from stanlocal.lifecycle import orphans
from stanlocal.lifecycle.engine_choice import SERVER_USER
from stanlocal.lifecycle.opener import GroupOpener, this_process
from stanlocal.lifecycle.planner import Report
from stanlocal.model.states import GroupState
from stanlocal.store.guard.copy import copy_store
from stanlocal.store.inspect.overview import store_cluster_id
from stanlocal.store.inspect.survey import survey

_COPY = "given"
"""Name of the snapshot that the given store becomes."""
_READY_S = 120.0
"""Seconds in which servers read a store that was given."""


@asynccontextmanager
async def scratch_group(
    scenario: Scenario,
    engine: str | None,
    config: Path | None,
    report: Report,
    store: Path | None = None,
) -> AsyncIterator[FTGroup]:
    """Bring up a group as the scenario asks, and purge it at the end, whatever happens.

    With `store` it has a copy of what that folder holds. Groups of killed drills are removed first.
    """
    await orphans.remove(engine or "auto")
    flags: dict[str, Any] = {
        "group": f"drill-{secrets.token_hex(3)}",
        "nodes": scenario.nodes,
        "store_size": scenario.store_size if await _limits_stores(engine, config) else None,
        "proxied": scenario.proxied or None,
        "secure": scenario.secure or None,
        "engine": engine,
    }
    if store is not None:
        flags["streaming"] = {"cluster_id": await asyncio.to_thread(_cluster_id, store)}
    # Notes are dropped: they only report its ports.
    opener = GroupOpener(flags, config, bound_to=this_process, report=report, note=lambda line: None)
    group = group_over(opener)
    try:
        report(f"starting {scenario.nodes} nodes of a scratch group")
        await group.up()
        if store is not None:
            report(f"copying {store} into the group's store")
            await _fill(group, store)
        yield group
    finally:
        report("removing the scratch group")
        try:
            await group.down(timeout=0, purge=True)
        finally:
            await group.close()


def _cluster_id(store: Path) -> str | None:
    """Return the cluster id of the servers that wrote a store; raises `StoreRefused` for what is none."""
    survey(store)
    return store_cluster_id(store)


async def _fill(group: FTGroup, store: Path) -> None:
    """Replace the group's store by a copy of another, and wait until the group is healthy."""
    copy = store_snapshots.folder(await core_of(group)) / _COPY
    await asyncio.to_thread(_copy, store, copy)
    await group.put_store_back(_COPY)
    await group.wait_state(GroupState.HEALTHY, timeout=_READY_S)


def _copy(store: Path, to: Path) -> None:
    """Copy a store's files, for the servers' user where the caller is root."""
    copy_store(store, to)
    if os.geteuid() == 0:
        uid, gid = map(int, SERVER_USER.split(":"))
        for path in (to, *to.rglob("*")):
            os.chown(path, uid, gid, follow_symlinks=False)


async def _limits_stores(engine: str | None, config: Path | None) -> bool:
    """Return whether a store needs a limit so that it can be filled."""
    opener = GroupOpener({"group": "drill", "engine": engine}, config, note=lambda line: None)
    try:
        return not (await opener.core()).engine.placement.fills_any_store
    finally:
        await opener.close()
