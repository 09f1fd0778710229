"""The metrics endpoint of one group: follows its history, and answers scrapes from it and the monitors."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from stanlocal.errors import StoreRefused, described
from stanlocal.group.core import Group
from stanlocal.group.watch import Watch
from stanlocal.history.failovers import Failover, FailoverTracker, note_outage
from stanlocal.history.occurrences import Outage
from stanlocal.metrics import exporter, stanlocal_metrics
from stanlocal.metrics.exposition import render
from stanlocal.metrics.scrape import UNUSED, scrape
from stanlocal.model.plan import GroupPlan, Monitor
from stanlocal.model.states import GroupStatus
from stanlocal.store.inspect.survey import survey
from stanlocal.store.local import local_store

RETRY_S = 2.0
"""Pause before a group whose watch failed is watched again; shorter than the usual scrape interval."""

Report = Callable[[str], object]


class Endpoint:
    """Follows a group's history, and answers scrapes with it; made by `opened`."""

    def __init__(
        self, group: Group, plan: GroupPlan, report: Report, retry_s: float, causes: Sequence[str]
    ) -> None:
        self._group = group
        self._plan = plan
        self._report = report
        self._retry_s = retry_s
        self._causes = causes
        self._watch: Watch | None = None
        """The running watch; None while the group cannot be watched."""
        self._failovers: list[Failover] = []
        """Failovers so far, in the order of time."""
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once the history so far is read; has the error if the first watch fails."""

    async def run(self) -> None:
        """Watch the group until cancelled, again after each failure of a watch."""
        while True:
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001 - whatever ends a watch, the next one may succeed
                if not self.started.done():
                    self.started.set_exception(error)
                    return
                self._report(
                    f"{self._plan.group} cannot be watched: {described(error)}; "
                    f"stanlocal_up is 0, and it is tried again every {self._retry_s:g} s"
                )
            await asyncio.sleep(self._retry_s)

    async def _follow(self) -> None:
        """Collect failovers, past ones included (also of removed containers), until the watch fails."""
        plan, _ = await self._group.find()
        async with await self._group.watch(with_history=True) as watch:
            await watch.caught_up()
            tracker = FailoverTracker()
            self._add(await self._group.failovers())
            self._plan, self._watch = plan, watch
            if self.started.done():
                self._report(f"{plan.group} is watched again")
            else:
                self.started.set_result(None)
            try:
                async for occurrence in watch.occurrences():
                    if (failover := tracker.observe(occurrence)) is not None:
                        self._add([failover])
                    elif isinstance(occurrence.what, Outage):
                        note_outage(self._failovers, occurrence.what)
            finally:
                self._watch = None

    def _add(self, found: Iterable[Failover]) -> None:
        """Add failovers, but for those that another source reported, perhaps with the times of clients."""
        known = {each.ready_at for each in self._failovers}
        self._failovers += [each for each in found if each.ready_at not in known]
        self._failovers.sort(key=lambda each: each.ready_at)

    async def answer(self, accept: str = "") -> tuple[bytes, str]:
        """Return the current metrics, within a second, and their content type."""
        status = self._status()
        scrapes, (size, free) = await asyncio.gather(
            scrape(self._monitors(status)), asyncio.to_thread(_store_bytes, self._plan)
        )
        facts = stanlocal_metrics.Facts(
            group=self._plan.group,
            status=status,
            failovers=tuple(self._failovers),
            faults=[fault for fault in self._group.home.journal.faults() if fault.in_force],
            store_bytes=size,
            store_free_bytes=free,
            causes=self._causes,
        )
        return render([*exporter.families(scrapes), *stanlocal_metrics.families(facts, scrapes)], accept)

    def _status(self) -> GroupStatus | None:
        """Return the group's status; None while it is not watched, so that no old state is served."""
        if self._watch is None or self._watch.engine_lost is not None:
            return None
        return self._watch.status

    def _monitors(self, status: GroupStatus | None) -> list[tuple[str, Monitor]]:
        if status is None:  # the ports may be another program's by now
            return []
        running = {node.name for node in status.nodes if node.instance.running}
        return [
            (node.name, self._group.engine.monitor(self._plan, node) if node.name in running else UNUSED)
            for node in self._plan.nodes
        ]


def _store_bytes(plan: GroupPlan) -> tuple[int | None, int | None]:
    """Return the size of the store's files and the free bytes of their file system; None if unreadable."""
    try:
        store = local_store(plan)
        return survey(store).disk_bytes, shutil.disk_usage(store).free
    except (StoreRefused, OSError):  # not this machine's, or not ours to read
        return None, None


@asynccontextmanager
async def opened(
    group: Group,
    report: Report = lambda line: None,
    *,
    retry_s: float = RETRY_S,
    causes: Sequence[str] = (),
) -> AsyncIterator[Endpoint]:
    """Open the endpoint of `group` once the history so far is read.

    `report` gets a line when watching the group fails later, and when it succeeds again. `causes` has the
    names of the faults that may cause a failover: each is counted from 0 on.
    """
    plan, _ = await group.find()
    endpoint = Endpoint(group, plan, report, retry_s, causes)
    following = asyncio.create_task(endpoint.run())
    try:
        await endpoint.started
        yield endpoint
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
