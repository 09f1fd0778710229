"""The endpoint of one group: follows its story, and answers each scrape from that and from the monitors."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from stanlocal.errors import StoreRefused
from stanlocal.failovers import Failover, FailoverTracker
from stanlocal.group import Group
from stanlocal.metrics import exporter, own
from stanlocal.metrics.exposition import render
from stanlocal.metrics.scrape import UNUSED, scrape
from stanlocal.plan import GroupPlan
from stanlocal.store.local import local_store
from stanlocal.store.survey import survey
from stanlocal.watch import Watch


class Endpoint:
    """Answers scrapes of a group that is watched."""

    def __init__(self, group: Group, plan: GroupPlan, watch: Watch) -> None:
        self._group = group
        self._plan = plan
        self._watch = watch
        self._failovers: dict[datetime, Failover] = {}
        """By the moment at which the next node was ready: the past is told from two sources."""

    async def follow(self) -> None:
        """Keeps count of failovers, those of containers that are gone included, until cancelled."""
        tracker = FailoverTracker()
        self._failovers |= {failover.ready_at: failover for failover in await self._group.failovers()}
        async for moment in self._watch.moments():
            if (failover := tracker.observe(moment)) is not None:
                self._failovers[failover.ready_at] = failover

    async def answer(self, accept: str = "") -> tuple[bytes, str]:
        """The metrics as they are now, within a second, and their content type."""
        running = {node.name for node in self._watch.status.nodes if node.instance.running}
        monitors = [
            (node.name, self._plan.monitor_url(node) if node.name in running else UNUSED)
            for node in self._plan.nodes
        ]
        scrapes, (size, free) = await asyncio.gather(
            scrape(monitors), asyncio.to_thread(_store_bytes, self._plan)
        )
        facts = own.Facts(
            group=self._plan.group,
            status=self._watch.status,
            failovers=tuple(self._failovers.values()),
            faults=[fault for fault in self._group.home.journal.faults() if fault.in_force],
            store_bytes=size,
            store_free_bytes=free,
        )
        return render([*exporter.families(scrapes), *own.families(facts, scrapes)], accept)


def _store_bytes(plan: GroupPlan) -> tuple[int | None, int | None]:
    """The bytes of the store's files and those free beside them; None where they cannot be seen."""
    try:
        store = local_store(plan)
        return survey(store).disk_bytes, shutil.disk_usage(store).free
    except (StoreRefused, OSError):  # not this machine's, or not ours to read
        return None, None


@asynccontextmanager
async def opened(group: Group) -> AsyncIterator[Endpoint]:
    """The endpoint of `group`, once all that has happened so far is known."""
    plan, _ = await group.find()
    async with await group.watch(story=True) as watch:
        await watch.caught_up()
        endpoint = Endpoint(group, plan, watch)
        following = asyncio.create_task(endpoint.follow())
        try:
            yield endpoint
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
