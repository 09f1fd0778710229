"""Live watch of a group: every line of every node and every event of the engine, folded into one status.

A `Watch` survives restarts of nodes and of the engine. Each line is read once, folded into facts and
dropped; only what belongs to the group's history is kept, until it is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from stanlocal.engine.base import Engine
from stanlocal.errors import EngineUnavailable, WaitTimeout
from stanlocal.group.observation import look_at_lock
from stanlocal.group.watched_node import WatchedNode
from stanlocal.history.journal import Journal
from stanlocal.logs.follow import Follower
from stanlocal.logs.merge import NodeLine
from stanlocal.model.assessment import assess
from stanlocal.model.fault_record import fault_that_ended
from stanlocal.model.instance import EngineEvent, Instance, RawLine
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupStatus, LockFacts

if TYPE_CHECKING:  # loaded by a watch with history
    from stanlocal.group.history_stream import HistoryStream
    from stanlocal.history.occurrences import Occurrence


@dataclass(frozen=True, slots=True)
class Pace:
    """Intervals at which sources without events are read, and the number of lines folded at once."""

    journal_s: float = 0.25
    """Seconds between looks at the journal."""
    monitor_s: float = 0.5
    """Seconds before a monitor that did not answer is asked again."""
    lines: int = 1000
    """Lines folded at once, in some milliseconds: all kept output takes seconds, and a monitor's answer has
    a deadline."""


class Watch:
    """Follows one group; use it as an async context manager.

    With `with_history`, it reads all the output that the engine has kept, not only that of the current runs,
    and `occurrences()` can be called. `on_lines` is called with every line, each node's in order, at most
    `pace.lines` at a time. `lock` looks at the store's lock.
    """

    def __init__(
        self,
        engine: Engine,
        plan: GroupPlan,
        journal: Journal,
        *,
        with_history: bool = False,
        on_lines: Callable[[Sequence[NodeLine]], None] = lambda lines: None,
        lock: Callable[[GroupPlan, Sequence[Instance]], LockFacts] = look_at_lock,
        pace: Pace | None = None,
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._journal = journal
        self._on_lines = on_lines
        self._lock = lock
        self._pace = pace or Pace()
        self._nodes: dict[str, WatchedNode] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self._version = 0
        """Number of notifications through `_changed`."""
        self._stale = asyncio.Event()
        self._looking = asyncio.Lock()
        self._failure: BaseException | None = None
        self._history = _history_stream() if with_history else None
        self.engine_lost: EngineUnavailable | None = None
        """Reason why the engine is unavailable now; None while it answers."""
        self.status: GroupStatus = assess([], lock(plan, []))

    async def __aenter__(self) -> Watch:
        events = self._engine.events(self._plan.group)  # first: none is missed between it and the look
        self._spawn(self._follow_engine(events))
        self._spawn(self._follow_journal())
        self._spawn(self._keep_fresh())
        self._spawn(self._ask_monitors())
        try:
            await self.refresh()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Record the first failure of a background task and wake all waiters."""
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is None or self._failure is not None:
            return
        self._failure = failure
        for node in self._nodes.values():
            node.caught_up.set()
        self._spawn(self._notify())
        if self._history is not None:
            self._spawn(self._history.fail(failure))

    # Asking

    async def caught_up(self) -> GroupStatus:
        """Return the status once everything that the nodes had written before is folded."""
        while waiting := [node for node in self._nodes.values() if not node.caught_up.is_set()]:
            await waiting[0].caught_up.wait()
        self._check()
        return self.status

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def until(
        self,
        reached: Callable[[GroupStatus], bool],
        *,
        timeout: float,
        waiting_for: str,
        deadline: float | None = None,
    ) -> GroupStatus:
        """Return the first status that satisfies `reached`.

        Raises `WaitTimeout` after `timeout` seconds, or at `deadline` (in the loop's time) if that is given,
        with `waiting_for` and the nodes' states; and whatever `reached` raises.
        """
        try:
            async with asyncio.timeout_at(deadline or asyncio.get_running_loop().time() + timeout):
                await self.caught_up()
                async with self._changed:
                    while not reached(self.status):
                        self._check()
                        await self._changed.wait()
                    return self.status
        except TimeoutError:
            raise self.timed_out(timeout, waiting_for) from None

    def timed_out(self, timeout: float, waiting_for: str) -> WaitTimeout:
        """Return the error for a wait that ran out, with the nodes' states and last lines."""
        if self.engine_lost is not None:
            why = str(self.engine_lost)
        else:
            states = ", ".join(
                f"{node.name} {node.state.value}{f': {node.problem}' if node.problem else ''}"
                for node in self.status.nodes
            )
            why = "; ".join(filter(None, (states or "no nodes", self.status.problem)))
        return WaitTimeout(
            f"{waiting_for}: not reached after {timeout:g} s ({why}); see 'stanlocal logs'",
            self.status.states,
            [f"{name}: {line}" for name, node in self._nodes.items() for line in node.tail],
        )

    def log_tail(self, node: str) -> Sequence[str]:
        """Return the last lines that the node has written."""
        return tuple(self._nodes[node].tail) if node in self._nodes else ()

    async def changes(self) -> AsyncGenerator[GroupStatus]:
        """Yield the status now, then each that differs from the one before."""
        status = await self.caught_up()
        while True:
            yield status
            async with self._changed:
                while self.status == status:
                    self._check()
                    await self._changed.wait()
            status = self.status

    async def news(self) -> AsyncGenerator[GroupStatus]:
        """Yield the status now and whenever it, the journal or `engine_lost` may have changed.

        Changes while the caller is busy count as one. While the engine is lost, the status is the last one
        known, which may be empty.
        """
        seen = -1
        while True:
            async with self._changed:
                while self._version == seen or not (self._is_caught_up or self.engine_lost):
                    self._check()
                    await self._changed.wait()
                seen = self._version
            yield self.status

    @property
    def _is_caught_up(self) -> bool:
        return all(node.caught_up.is_set() for node in self._nodes.values())

    async def occurrences(self) -> AsyncGenerator[Occurrence]:
        """Yield the group's past in order of time, then each occurrence as it is seen; call it once."""
        assert self._history is not None, "a watch without history"
        await self.caught_up()
        records = self._journal.records()
        instances = [node.instance for node in self._nodes.values()]
        async with aclosing(self._history.read(instances, records)) as history:
            async for occurrence in history:
                yield occurrence

    # Looking

    async def refresh(self) -> None:
        """Look at the engine's nodes now, and follow those that are new."""
        async with self._looking:  # one after the other: an older look must not replace a newer one
            found = {instance.name: instance for instance in await self._engine.instances(self._plan.group)}
            self.engine_lost = None
            for name in set(self._nodes) - set(found):
                self._drop(name)
            for name, instance in found.items():
                node = self._nodes.get(name)
                if node is None or node.instance.id != instance.id:
                    self._drop(name)
                    node = self._nodes[name] = WatchedNode(instance)
                    node.task = self._spawn(self._follow(node))
                node.update(instance)
            await self._reassess()

    def _drop(self, name: str) -> None:
        if (node := self._nodes.pop(name, None)) is not None:
            node.drop()

    async def _reassess(self) -> None:
        recorded = self._journal.faults()
        nodes = sorted(self._nodes.values(), key=lambda node: node.instance.index)
        facts = [node.facts(recorded) for node in nodes]
        self.status = assess(facts, self._lock(self._plan, [node.instance for node in nodes]))
        if self._history is not None:
            await self._history.add_records(self._journal.records())
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._version += 1
            self._changed.notify_all()

    # Following

    async def _follow(self, node: WatchedNode) -> None:
        since = None if self._history else node.instance.output_since
        node.follower = Follower(self._engine, node.instance.name, since)
        async for batch in node.follower.batches(node.changed):
            await self._fold(node, batch)

    async def _fold(self, node: WatchedNode, batch: Sequence[RawLine]) -> None:
        """Take the next lines; none say that the past is complete, or that a machine stopped answering."""
        before = node.log
        for first in range(0, len(batch), self._pace.lines):
            if first:
                await asyncio.sleep(0)
            lines = node.fold(batch[first : first + self._pace.lines])
            if self._history is not None:
                await self._history.add_lines(lines)
            self._on_lines(lines)
        node.keep_tail(batch)
        if not batch and not node.caught_up.is_set():
            await node.ask(self._engine)
            node.caught_up.set()
        if node.caught_up.is_set() and (not batch or node.log is not before):
            await self._reassess()

    async def _ask_monitors(self) -> None:
        """Ask again: a monitor may have been too busy, and a frozen or cut off node cannot answer."""
        while True:
            await asyncio.sleep(self._pace.monitor_s)
            if any(await asyncio.gather(*(node.ask(self._engine) for node in self._nodes.values()))):
                await self._reassess()

    async def _follow_engine(self, events: AsyncIterator[EngineEvent]) -> None:
        while True:
            try:
                async for event in events:
                    await self._on_engine_event(event)
            except EngineUnavailable as lost:
                self.engine_lost = lost
            events = await self._engine_back()

    async def _on_engine_event(self, event: EngineEvent) -> None:
        self._stale.set()
        started = self._nodes[event.node].instance.started_at if event.node in self._nodes else None
        if self._history is not None:
            fault = fault_that_ended(self._journal.faults(), event.node, started)
            await self._history.add_engine_event(event, fault)

    async def _follow_journal(self) -> None:
        """Look at the journal: other commands write it too, and what they do may send no event."""
        known = self._journal.size()
        while True:
            await asyncio.sleep(self._pace.journal_s)
            if (size := self._journal.size()) != known:
                known = size
                await self._reassess()
                self._stale.set()

    async def _keep_fresh(self) -> None:
        """Look again after engine events; several at once cost one look."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                await self.refresh()
            except EngineUnavailable as lost:
                self.engine_lost = lost
                await asyncio.sleep(self._engine.retry_s)
                self._stale.set()

    async def _engine_back(self) -> AsyncIterator[EngineEvent]:
        """Wait until the engine answers again; return its events from then on."""
        while True:
            events = self._engine.events(self._plan.group)
            try:
                await self.refresh()
            except EngineUnavailable as lost:
                self.engine_lost = lost
                await self._notify()
                await asyncio.sleep(self._engine.retry_s)
            else:
                return events


def _history_stream() -> HistoryStream:
    from stanlocal.group.history_stream import HistoryStream

    return HistoryStream()
