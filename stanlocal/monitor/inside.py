"""What is worth saying of a group now: its channels, its store and the disk below it, looked at together."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence

from stanlocal.errors import MonitorError, StoreRefused
from stanlocal.model.plan import GroupPlan
from stanlocal.monitor import pages
from stanlocal.monitor.findings import Disk, Finding, findings
from stanlocal.monitor.shape import Document
from stanlocal.store.inspect.survey import survey
from stanlocal.store.local import local_store
from stanlocal.store.verify.problems import Problem
from stanlocal.store.verify.store import verify

_MONITOR_S = 1.0
"""More channels than can be asked for in this time are left out of a status."""


async def look_inside(plan: GroupPlan, active: str | None, *, records: bool = False) -> list[Finding]:
    """The findings, the gravest first; what cannot be asked now is left out.

    `active` is the node that serves, if one does: it alone knows of channels.

    With `records` every record of the store is read, which takes a second for each gigabyte or so; else
    only the names and sizes of its files.
    """
    channels, problems = await asyncio.gather(
        _channels(plan, active), asyncio.to_thread(_problems, plan, records)
    )
    return findings(channels, plan.streaming.get("store_limits"), _disk(plan), problems)


async def _channels(plan: GroupPlan, active: str | None) -> Sequence[Document]:
    if active is None:
        return ()
    try:
        return await pages.channels(plan.monitor_url(plan.node(active)), _MONITOR_S)
    except MonitorError:  # it has just ended, or has too much to tell
        return ()


def _problems(plan: GroupPlan, records: bool) -> Sequence[Problem]:
    try:
        store = local_store(plan)
        return verify(store).problems if records else survey(store).problems
    except StoreRefused:  # not there yet, or another machine's
        return ()


def _disk(plan: GroupPlan) -> Disk | None:
    try:
        store = local_store(plan)
        usage = shutil.disk_usage(store)
    except (StoreRefused, OSError):
        return None
    return Disk(str(store), usage.free, usage.total)
