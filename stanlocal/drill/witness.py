"""The witness of a drill: records the group's events in the ledger, and knows its current state.

The first states of the nodes are a note `nodes`. Each event of the group (`history.timeline`) is a note of
its type, with its `node` and its detail. Two are renamed: a change of a node's state is a `role`, and a
server's problem is `said`, since a note `problem` is one of the drill itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType

from stanlocal.drill.ledger.writer import Ledger
from stanlocal.group.core import Group
from stanlocal.group.watch import Watch
from stanlocal.history.timeline import Event, Timeline
from stanlocal.model.states import GroupStatus

_KINDS = {"state": "role", "problem": "said"}


class Witness:
    """Observer of the group; use it as an async context manager.

    Only what happens from `since` on counts. `on_event` is called with each event once it is in the ledger.
    """

    def __init__(
        self, group: Group, ledger: Ledger, since: datetime, on_event: Callable[[Event], None]
    ) -> None:
        self._group = group
        self._ledger = ledger
        self._since = since
        self._on_event = on_event
        self._stack = AsyncExitStack()
        self._watch: Watch | None = None
        self.failovers = 0
        """Number of complete failovers."""
        self.in_force: dict[str, str] = {}
        """Faults in force, in words, by their ids."""

    async def __aenter__(self) -> Witness:
        async with AsyncExitStack() as stack:
            self._watch = await stack.enter_async_context(await self._group.watch(with_history=True))
            await self._watch.caught_up()
            self._ledger.note("nodes", self._since, states=self.status.states)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def status(self) -> GroupStatus:
        """Status of the group after the last change."""
        assert self._watch is not None, "a witness that was not entered"
        return self._watch.status

    async def look(self) -> GroupStatus:
        """Ask the engine now, and return the status, which includes the effect of what was just done."""
        assert self._watch is not None, "a witness that was not entered"
        await self._watch.refresh()
        return self._watch.status

    async def record_events(self) -> None:
        """Record all events, until cancelled."""
        assert self._watch is not None, "a witness that was not entered"
        plan, _ = await self._group.find()
        timeline = Timeline(plan)
        async for occurrence in self._watch.occurrences():
            for event in timeline.observe(occurrence):
                if event.time >= self._since:
                    self._witness(event)

    def _witness(self, event: Event) -> None:
        match event.type:
            case "failover":
                self.failovers += 1
            case "fault":
                self.in_force[event.detail["id"]] = " ".join([event.detail["name"], *event.detail["targets"]])
            case "heal":
                self.in_force.pop(event.detail["id"], None)
        kind = _KINDS.get(event.type, event.type)
        self._ledger.note(kind, event.time, node=event.node, **event.detail)
        self._on_event(event)
