"""A group, watched while it lives: every line of every node, every act of the engine, one status.

A `Watch` survives restarts of nodes and of the engine. Lines are read once, folded into facts and
forgotten; only what matters to the group's story is kept, until it is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Any

from stanlocal.engine.base import Engine, EngineEvent, Instance, RawLine
from stanlocal.errors import EngineUnavailable, WaitTimeout
from stanlocal.group.history_stream import Story
from stanlocal.group.status import NO_ANSWER, ask_monitor, look_at_lock, node_facts
from stanlocal.history import occurrences
from stanlocal.history.journal import FaultRecord, Journal, end_is_recorded, faults
from stanlocal.history.occurrences import Moment
from stanlocal.logs.facts import advance
from stanlocal.logs.follow import Follower
from stanlocal.logs.merge import NodeLine
from stanlocal.logs.parse import parse
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupStatus, LogFacts, assess

_ENGINE_RETRY_S = 0.5
_JOURNAL_LOOK_S = 0.25
_MONITOR_RETRY_S = 0.5
_FOLDED_AT_ONCE = 1000
"""Lines, some milliseconds' work: all that is kept takes seconds, and a monitor's answer has a deadline."""
_LOG_TAIL = 20


class _Node:
    """What is known of one node, and the task that follows its output."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.log = LogFacts()
        self.answer = NO_ANSWER
        """Of its monitor in this run, which is asked only where the output does not tell what the node is."""
        self.tail: list[str] = []
        self.changed = asyncio.Event()
        """The engine's side may have changed."""
        self.caught_up = asyncio.Event()
        """All that the node had written before is folded."""
        self.task: asyncio.Task[None] | None = None


class Watch:
    """Follows one group; use it as an async context manager.

    With `story`, all the output that the engine has kept is read, not only that of the current runs, and
    `moments()` can be asked. `read` is given every line, of each node in order, a thousand at most at a time.
    """

    def __init__(
        self,
        engine: Engine,
        plan: GroupPlan,
        journal: Journal,
        *,
        story: bool = False,
        read: Callable[[Sequence[NodeLine]], None] = lambda lines: None,
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._journal = journal
        self._read = read
        self._nodes: dict[str, _Node] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self._version = 0
        """Counts what `_changed` has told of."""
        self._stale = asyncio.Event()
        self._looking = asyncio.Lock()
        self._failure: BaseException | None = None
        self._story = Story() if story else None
        self.engine_lost: EngineUnavailable | None = None
        """Why the engine cannot be asked now; None while it answers."""
        self.status: GroupStatus = assess([], look_at_lock(plan, []))

    async def __aenter__(self) -> Watch:
        events = self._engine.events(self._plan.group)  # first, so that none escapes the look that follows
        self._spawn(self._follow_engine(events))
        self._spawn(self._follow_journal())
        self._spawn(self._keep_fresh())
        self._spawn(self._ask_again())
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
        """Whoever waits is told of the first failure; none is expected of what follows for ever."""
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is None or self._failure is not None:
            return
        self._failure = failure
        for node in self._nodes.values():
            node.caught_up.set()
        self._spawn(self._notify())
        if self._story is not None:
            self._spawn(self._story.fail(failure))

    # Asking

    async def caught_up(self) -> GroupStatus:
        """The status once everything that the nodes had written before is known."""
        for node in list(self._nodes.values()):
            await node.caught_up.wait()
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
        """Returns the first status that satisfies `reached`.

        Raises `WaitTimeout` after `timeout` seconds (they count from now, or up to `deadline` in the
        loop's time), saying what was waited for and how the nodes were; and whatever `reached` raises.
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
        """The error that says what was waited for in vain, and how the nodes are."""
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
        """The last lines that the node has written."""
        return tuple(self._nodes[node].tail) if node in self._nodes else ()

    async def changes(self) -> AsyncGenerator[GroupStatus]:
        """The status now, then each that differs from the one before."""
        status = await self.caught_up()
        while True:
            yield status
            async with self._changed:
                while self.status == status:
                    self._check()
                    await self._changed.wait()
            status = self.status

    async def news(self) -> AsyncGenerator[GroupStatus]:
        """The status now, then whenever something may have changed: it, the journal, or `engine_lost`.

        What changes while the caller is busy is told once. While the engine is lost, the status is what
        was known of the group last, which may be nothing yet.
        """
        told = -1
        while True:
            async with self._changed:
                while self._version == told or not (self._is_caught_up or self.engine_lost):
                    self._check()
                    await self._changed.wait()
                told = self._version
            yield self.status

    @property
    def _is_caught_up(self) -> bool:
        return all(node.caught_up.is_set() for node in self._nodes.values())

    async def moments(self) -> AsyncGenerator[Moment]:
        """The story so far in the order of time, then what happens, as it is seen. May be asked once."""
        assert self._story is not None, "a watch without story"
        await self.caught_up()
        records = self._journal.records()
        recorded = faults(records)
        ends = (self._end(node, recorded) for node in self._nodes.values())
        async with aclosing(self._story.moments(ends, records)) as told:
            async for moment in told:
                yield moment

    def _end(self, node: _Node, recorded: Sequence[FaultRecord]) -> Moment | None:
        instance = node.instance
        return occurrences.of_end(
            instance, recorded=end_is_recorded(recorded, instance.name, instance.started_at)
        )

    # Looking

    async def refresh(self) -> None:
        """Looks at the engine's side now, and follows nodes that are new."""
        async with self._looking:  # one after the other: an older look must not replace a newer one
            found = {instance.name: instance for instance in await self._engine.instances(self._plan.group)}
            self.engine_lost = None
            for name in set(self._nodes) - set(found):
                self._drop(name)
            for name, instance in found.items():
                node = self._nodes.get(name)
                if node is None or node.instance.id != instance.id:
                    self._drop(name)
                    node = self._nodes[name] = _Node(instance)
                    node.task = self._spawn(self._follow(node))
                if node.instance.started_at != instance.started_at:
                    node.answer = NO_ANSWER
                node.instance = instance
                node.changed.set()
            await self._reassess()

    def _drop(self, name: str) -> None:
        node = self._nodes.pop(name, None)
        if node is not None and node.task is not None:
            node.task.cancel()

    async def _reassess(self) -> None:
        records = self._journal.records()
        recorded = faults(records)
        nodes = sorted(self._nodes.values(), key=lambda node: node.instance.index)
        facts = [
            node_facts(node.instance, node.log, NO_ANSWER if node.log.role else node.answer, recorded)
            for node in nodes
        ]
        self.status = assess(facts, look_at_lock(self._plan, [node.instance for node in nodes]))
        if self._story is not None:
            await self._story.tell_records(records)
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._version += 1
            self._changed.notify_all()

    # Following

    async def _follow(self, node: _Node) -> None:
        since = None if self._story else node.instance.output_since
        async for batch in Follower(self._engine, node.instance.name, since).batches(node.changed):
            await self._fold(node, batch)

    async def _fold(self, node: _Node, batch: Sequence[RawLine]) -> None:
        before = node.log
        for first in range(0, len(batch), _FOLDED_AT_ONCE):
            if first:
                await asyncio.sleep(0)
            await self._fold_some(node, batch[first : first + _FOLDED_AT_ONCE])
        node.tail = [*node.tail, *(raw.text for raw in batch[-_LOG_TAIL:])][-_LOG_TAIL:]
        first = not node.caught_up.is_set()
        if first:
            await self._ask(node)
        node.caught_up.set()
        if first or node.log is not before:
            await self._reassess()

    async def _fold_some(self, node: _Node, batch: Sequence[RawLine]) -> None:
        name, lines = node.instance.name, []
        for raw in batch:
            line = parse(raw.text, raw.time)
            node.log = advance(node.log, line)
            lines.append(NodeLine(name, line, node.log.role))
            if self._story is not None:
                await self._story.tell(occurrences.of_line(name, line))
        self._read(lines)

    async def _ask_again(self) -> None:
        """A monitor may have been too busy, and a frozen or cut off node cannot be asked."""
        while True:
            await asyncio.sleep(_MONITOR_RETRY_S)
            if any(await asyncio.gather(*(self._ask(node) for node in self._nodes.values()))):
                await self._reassess()

    async def _ask(self, node: _Node) -> bool:
        """Has the monitor tell what the node is if its output does not, as its run's beginning is not kept.

        Later lines tell of each change; so one answer is enough. Returns whether there is a new one.
        """
        if not node.tail or node.log.role is not None or node.answer.state is not None:
            return False
        run = node.instance.started_at
        answer = await ask_monitor(node.instance)
        if answer.state is None or node.instance.started_at != run:
            return False
        node.answer = answer
        return True

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
        recorded = end_is_recorded(self._journal.faults(), event.node, started)
        if self._story is not None:
            await self._story.tell(occurrences.of_engine_event(event, recorded=recorded))

    async def _follow_journal(self) -> None:
        """Other commands write it too, and may have nothing else to show for it."""
        known = self._journal.size()
        while True:
            await asyncio.sleep(_JOURNAL_LOOK_S)
            if (size := self._journal.size()) != known:
                known = size
                await self._reassess()
                self._stale.set()  # what it was written for may be no event of the engine's

    async def _keep_fresh(self) -> None:
        """Looks again after engine events; many at once cost one look."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                await self.refresh()
            except EngineUnavailable as lost:
                self.engine_lost = lost
                await asyncio.sleep(_ENGINE_RETRY_S)
                self._stale.set()

    async def _engine_back(self) -> AsyncIterator[EngineEvent]:
        """The events from when the engine answers again."""
        while True:
            events = self._engine.events(self._plan.group)
            try:
                await self.refresh()
            except EngineUnavailable as lost:
                self.engine_lost = lost
                await self._notify()
                await asyncio.sleep(_ENGINE_RETRY_S)
            else:
                return events
