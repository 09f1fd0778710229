"""The feed: watches one group and posts what it learns as messages; it knows no screen.

One watch serves states, events, failovers and logs. Every failure is posted as a lost engine and retried
until it works.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from itertools import chain

from textual.message import Message

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import GroupNotFound, StanlocalError
from stanlocal.group.core import Group, Look, current_plan, intended_plan
from stanlocal.group.resources import measure
from stanlocal.group.watch import Watch
from stanlocal.history import failovers as failover_rules
from stanlocal.history.failovers import Failover
from stanlocal.history.occurrences import Occurrence, Outage
from stanlocal.history.timeline import Event, Timeline
from stanlocal.logs.merge import NodeLine
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupStatus
from stanlocal.tui.coalesce import coalesced
from stanlocal.tui.messages import (
    EngineBack,
    EngineLost,
    EventSeen,
    FailoversChanged,
    GroupChanged,
    GroupMissing,
    LogLines,
    ResourcesMeasured,
)

LOG_TAIL = 2_000
"""Past lines of each node that are read."""
_RETRY_S = 0.5
_LINES_EVERY_S = 0.2
_LINES_AT_MOST = 5_000
_EVENTS_EVERY_S = 0.01
_EVENTS_AT_MOST = 10_000
_RESOURCES_EVERY_S = 2.0
_KEPT_OCCURRENCES = 50_000
"""Occurrences kept for finding failovers: enough for a few thousand failovers."""


class Feed:
    """Source of messages about a group, which are posted with `post`."""

    def __init__(self, group: FTGroup, post: Callable[[Message], object]) -> None:
        self._group = group
        self._post = post
        self._lost: str | None = None
        self._missing = False
        self._look: Look | None = None

    async def look(self) -> None:
        """Post the group as it is now, or why it cannot be seen."""
        try:
            core = await core_of(self._group)
            self._post_status(core, await core.look())
        except GroupNotFound as missing:
            self._post_missing(str(missing))
        except StanlocalError as error:
            self._post_engine(str(error))

    async def follow_group(self) -> None:
        """Post states, events, failovers and the nodes' lines, until cancelled."""
        while True:
            try:
                await self._watch(await core_of(self._group))
            except GroupNotFound as missing:
                self._post_missing(str(missing))
                await asyncio.sleep(_RETRY_S)
            except StanlocalError as error:
                self._post_engine(str(error))
                await asyncio.sleep(_RETRY_S)

    def _post_missing(self, reason: str) -> None:
        self._post_engine(None)
        if not self._missing:
            self._missing = True
            self._post(GroupMissing(reason))

    def _post_engine(self, lost: str | None) -> None:
        if lost is not None and lost != self._lost:
            self._post(EngineLost(lost))
        elif lost is None and self._lost is not None:
            self._post(EngineBack())
        self._lost = lost

    async def _watch(self, core: Group) -> None:
        """Follow the group until nodes are added that were not planned."""
        plan, _ = await core.find()
        lines = _Lines()
        async with Watch(
            core.engine, plan, core.home.journal, with_history=True, on_lines=lines.take
        ) as watch:
            tasks = [
                asyncio.create_task(self._follow_status(core, plan, watch)),
                asyncio.create_task(self._follow_history(plan, watch)),
                asyncio.create_task(self._follow_logs(lines, watch)),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow_status(self, core: Group, plan: GroupPlan, watch: Watch) -> None:
        known = {node.name for node in plan.nodes}
        async with aclosing(watch.news()) as news:
            async for status in news:
                self._post_engine(str(watch.engine_lost) if watch.engine_lost else None)
                if watch.engine_lost:
                    continue
                now = current_plan([node.instance for node in status.nodes]) or plan
                self._post_status(core, Look(now, status))
                if {node.name for node in status.nodes} - known:
                    return

    async def follow_resources(self) -> None:
        """Post each node's resources every 2 s, until cancelled."""
        while True:
            if self._look is None or self._lost is not None:
                await asyncio.sleep(_RETRY_S)
                continue
            engine = (await core_of(self._group)).engine
            resources = await measure(engine, self._look.plan, self._look.status.nodes)
            self._post(ResourcesMeasured(resources))
            await asyncio.sleep(_RESOURCES_EVERY_S)

    def _post_status(self, core: Group, look: Look) -> None:
        self._look, self._missing = look, False
        self._post(GroupChanged(core.document(look), look.status, _missing(look.status)))

    async def _follow_history(self, plan: GroupPlan, watch: Watch) -> None:
        timeline, replay = Timeline(plan), True
        past: deque[Occurrence] = deque(maxlen=_KEPT_OCCURRENCES)
        failovers: Sequence[Failover] | None = None
        batches = coalesced(_one_by_one(watch), every_s=_EVENTS_EVERY_S, at_most=_EVENTS_AT_MOST)
        async for occurrences, _ in batches:
            past.extend(occurrences)
            events = [event for occurrence in occurrences for event in timeline.observe(occurrence)]
            if events:
                self._post(EventSeen(events, replay=replay))
                replay = False
            if any(_bears_on_failovers(event) for event in events) or _outage_in(occurrences):
                in_order = sorted(past, key=lambda occurrence: occurrence.time)
                if (found := failover_rules.find(in_order)) != failovers:
                    failovers = found
                    self._post(FailoversChanged(found))

    async def _follow_logs(self, lines: _Lines, watch: Watch) -> None:
        await watch.caught_up()
        self._post(LogLines(lines.past(), 0, replay=True))
        batches = coalesced(lines.news(), every_s=_LINES_EVERY_S, at_most=_LINES_AT_MOST)
        async for batch, skipped in batches:
            self._post(LogLines(batch, skipped, replay=False))


class _Lines:
    """Lines that a watch reads: the last ones of each node's past, then all new ones."""

    def __init__(self) -> None:
        self._past: dict[str, deque[NodeLine]] | None = {}
        self._news: asyncio.Queue[Sequence[NodeLine]] = asyncio.Queue()

    def take(self, lines: Sequence[NodeLine]) -> None:
        """Take the next lines of one node."""
        if self._past is None:
            self._news.put_nowait(lines)
        elif lines:
            self._past.setdefault(lines[0].node, deque(maxlen=LOG_TAIL)).extend(lines)

    def past(self) -> Sequence[NodeLine]:
        """Return the lines read so far in time order; `news` yields the following ones."""
        past, self._past = self._past or {}, None
        return sorted(chain.from_iterable(past.values()), key=lambda each: each.line.time)

    async def news(self) -> AsyncGenerator[Sequence[NodeLine]]:
        """Yield the lines read after `past` was called; the caller takes them without delay."""
        while True:
            yield await self._news.get()


async def _one_by_one(watch: Watch) -> AsyncGenerator[Sequence[Occurrence]]:
    async with aclosing(watch.occurrences()) as occurrences:
        async for occurrence in occurrences:
            yield (occurrence,)


def _bears_on_failovers(event: Event) -> bool:
    return event.type in ("failover", "fault", "heal")


def _outage_in(occurrences: Sequence[Occurrence]) -> bool:
    return any(isinstance(occurrence.what, Outage) for occurrence in occurrences)


def _missing(status: GroupStatus) -> list[str]:
    """Names of planned nodes that the engine no longer has."""
    instances = [node.instance for node in status.nodes]
    intended = intended_plan(instances)
    present = {node.name for node in status.nodes}
    return [node.name for node in intended.nodes if node.name not in present] if intended else []
