"""Follows the group of a drill: its story goes into the ledger, its state is known at any moment.

Each event of the group (`stanlocal.timeline`) is a note of the kind that the event's type is, with its `node`
and its `detail`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType

from stanlocal.drill.ledger import Ledger
from stanlocal.group import Group
from stanlocal.states import GroupStatus
from stanlocal.timeline import Event, Timeline
from stanlocal.watch import Watch


class Witness:
    """Looks on from `since` until it is left; use it as an async context manager.

    `tell` is given each event after it is in the ledger.
    """

    def __init__(self, group: Group, ledger: Ledger, since: datetime, tell: Callable[[Event], None]) -> None:
        self._group = group
        self._ledger = ledger
        self._since = since
        self._tell = tell
        self._stack = AsyncExitStack()
        self._watch: Watch | None = None
        self.failovers = 0
        """Those that have been seen to their end."""
        self.looking: asyncio.Task[None] | None = None
        """Ends only by an error: then nothing more is known of the group."""

    async def __aenter__(self) -> Witness:
        async with AsyncExitStack() as stack:
            watch = await stack.enter_async_context(await self._group.watch(story=True))
            await watch.caught_up()
            self._watch = watch
            self.looking = asyncio.create_task(self._look_on(watch))
            stack.push_async_callback(self._look_away, self.looking)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def status(self) -> GroupStatus:
        """The group now."""
        assert self._watch is not None, "a witness that was not entered"
        return self._watch.status

    async def look(self) -> GroupStatus:
        """The group now, asked of the engine again: what was just done to it is seen."""
        assert self._watch is not None, "a witness that was not entered"
        await self._watch.refresh()
        return self._watch.status

    async def _look_on(self, watch: Watch) -> None:
        plan, _ = await self._group.find()
        timeline = Timeline(plan)
        async for moment in watch.moments():
            for event in timeline.observe(moment):
                if event.time >= self._since:
                    self._witness(event)

    def _witness(self, event: Event) -> None:
        if event.type == "failover":
            self.failovers += 1
        self._ledger.note(event.type, event.time, node=event.node, detail=event.detail)
        self._tell(event)

    @staticmethod
    async def _look_away(looking: asyncio.Task[None]) -> None:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
