"""Snapshots: named copies of a group's store, made for users and for faults that can lose data."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

from stanlocal.errors import Refused, StoreRefused
from stanlocal.group.core import Group
from stanlocal.group.home import SNAPSHOTS
from stanlocal.store.guard.content import inspect_store
from stanlocal.store.guard.copy import copy_store, put_back
from stanlocal.store.guard.holder import kept_from_servers
from stanlocal.store.local import local_store
from stanlocal.util.tasks import run_to_end, together

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def folder(group: Group) -> Path:
    """Return the folder of the copies; inside the store the server would take a copy for a channel."""
    return group.home.folder / SNAPSHOTS


def listed(group: Group) -> list[str]:
    """Return the names of the copies, oldest first."""
    if not folder(group).is_dir():
        return []
    found = (each for each in folder(group).iterdir() if each.is_dir() and _NAME.fullmatch(each.name))
    complete = (each for each in found if not each.name.endswith("-draft"))
    return [each.name for each in sorted(complete, key=lambda each: each.stat().st_mtime_ns)]


async def snapshot(group: Group, name: str) -> int:
    """Copy the store of a group whose nodes are all stopped; return the copy's size in bytes."""
    path = _path(group, name)
    async with group.home.lock(lambda: None):
        return await run_to_end(asyncio.to_thread(_copy_resting, await _resting_store(group), path))


async def restore(group: Group, name: str) -> str:
    """Put a copy back into the store of a group whose nodes are all stopped.

    The store's content is kept as another copy, whose name is returned.
    """
    path = _path(group, name)
    if not path.is_dir():
        there = ", ".join(listed(group)) or "there are no snapshots"
        raise StoreRefused(f"no snapshot '{name}' of group '{group.name}' ({there})")
    async with group.home.lock(lambda: None):
        return await put_back_now(group, path.name, await _resting_store(group))


async def put_back_now(group: Group, name: str, store: Path) -> str:
    """Do as `restore`; the caller holds the group's lock, and its nodes are stopped."""
    plan, _ = await group.find()
    marker = inspect_store(store).marker
    if marker is not None and (whose := marker.differs(group.name, plan.group_id)):
        raise StoreRefused(f"{store} was not replaced: it is {whose}")
    aside = f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    copy, kept = _path(group, name), _path(group, aside)

    def put_back_resting() -> None:
        with kept_from_servers(store, f"{store} was not replaced"):
            put_back(copy, store, kept)

    await run_to_end(asyncio.to_thread(put_back_resting))
    return aside


async def snapshot_frozen(group: Group, name: str) -> None:
    """Copy the store of a running group while its nodes are frozen; the caller holds the group's lock."""
    plan, instances = await group.find()
    store = local_store(plan)
    running = [instance.name for instance in instances if instance.status == "running"]
    path = _path(group, name)
    try:
        await together(*(group.engine.pause(node) for node in running))
        await run_to_end(asyncio.to_thread(copy_store, store, path))
    finally:
        await together(*(group.engine.unpause(node) for node in running))


def _copy_resting(store: Path, to: Path) -> int:
    with kept_from_servers(store, f"{store} was not copied"):
        return copy_store(store, to)


def _path(group: Group, name: str) -> Path:
    if not _NAME.fullmatch(name) or name.endswith("-draft"):
        raise StoreRefused(f"'{name}' is not a name for a snapshot: use letters, digits, '.', '_' and '-'")
    return folder(group) / name


async def _resting_store(group: Group) -> Path:
    plan, instances = await group.find()
    store = local_store(plan)
    running = [instance.name for instance in instances if instance.running]
    if running:
        raise Refused(
            f"{', '.join(running)} may be writing to the store; 'stanlocal down' or 'stanlocal stop @all' "
            "first"
        )
    return store
