"""Current findings about a group: its channels, its store and the disk under it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence

from stanlocal.errors import MonitorError, StoreRefused
from stanlocal.model.plan import GroupPlan, Monitor
from stanlocal.monitor import pages
from stanlocal.monitor.documents import Document
from stanlocal.monitor.findings import Disk, Finding, findings
from stanlocal.store.inspect.survey import survey
from stanlocal.store.local import local_store
from stanlocal.store.verify.problems import Problem
from stanlocal.store.verify.store import verify

_MONITOR_TIMEOUT_S = 1.0
"""Seconds for reading all channels; the findings about channels are left out if that takes longer."""


async def look_inside(plan: GroupPlan, active: Monitor | None, *, records: bool = False) -> list[Finding]:
    """Return the findings, the gravest first, without those that need an unavailable source.

    `active` is the monitor of the node that serves, if any: only it knows the channels.

    With `records` every record of the store is read, about one second per gigabyte; otherwise only the
    names and sizes of its files.
    """
    channels, problems = await asyncio.gather(_channels(active), asyncio.to_thread(_problems, plan, records))
    return findings(channels, plan.streaming.get("store_limits"), _disk(plan), problems)


async def _channels(active: Monitor | None) -> Sequence[Document]:
    if active is None:
        return ()
    try:
        return await pages.channels(active, _MONITOR_TIMEOUT_S)
    except MonitorError:  # it has just ended, or its answer is too long
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
