"""One node of a watched group: the facts from its output, its engine and its monitor."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from stanlocal.engine.base import Engine
from stanlocal.group.observation import NO_ANSWER, ask_monitor, node_facts
from stanlocal.logs.follow import Follower
from stanlocal.logs.line_patterns import parse
from stanlocal.logs.merge import NodeLine
from stanlocal.logs.node_facts import advance
from stanlocal.model.fault_record import FaultRecord
from stanlocal.model.instance import Instance, RawLine
from stanlocal.model.states import LogFacts, NodeFacts

_LOG_TAIL = 20


class WatchedNode:
    """The facts of one node, and the task that follows its output."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.log = LogFacts()
        self.tail: list[str] = []
        """The last lines that the node has written."""
        self.changed = asyncio.Event()
        """Set when the engine's view of the node may have changed."""
        self.caught_up = asyncio.Event()
        """Set when all that the node had written before is folded."""
        self.task: asyncio.Task[None] | None = None
        self.follower: Follower | None = None
        """Follower of its output, once there is one."""
        self._answer = NO_ANSWER
        """The monitor's answer in this run; asked only where the output does not show the node's role."""

    def update(self, instance: Instance) -> None:
        """Replace the engine's view of the node; a new run makes the monitor's answer obsolete."""
        if self.instance.started_at != instance.started_at:
            self._answer = NO_ANSWER
        self.instance = instance
        self.changed.set()

    def drop(self) -> None:
        """Follow the node no more; who waits for its past goes on to the other nodes."""
        self.caught_up.set()
        if self.task is not None:
            self.task.cancel()

    def fold(self, lines: Sequence[RawLine]) -> list[NodeLine]:
        """Fold lines into the facts; return each, parsed, with the node's state after it."""
        read = []
        for raw in lines:
            line = parse(raw.text, raw.time)
            self.log = advance(self.log, line)
            read.append(NodeLine(self.instance.name, line, self.log.role))
        return read

    def keep_tail(self, lines: Sequence[RawLine]) -> None:
        """Keep the last lines of what was folded, for error messages."""
        self.tail = [*self.tail, *(raw.text for raw in lines[-_LOG_TAIL:])][-_LOG_TAIL:]

    def facts(self, recorded: Sequence[FaultRecord]) -> NodeFacts:
        """Return the facts from which the node's state is derived; its output outweighs its monitor."""
        answer = NO_ANSWER if self.log.role else self._answer
        unread = None if self.follower is None else self.follower.unreachable
        return node_facts(self.instance, self.log, answer, recorded, unread=unread)

    async def ask(self, engine: Engine) -> bool:
        """Ask the monitor for the node's role where the first lines of its run are not kept.

        Later lines show each change, so one answer is enough. Returns whether there is a new one.
        """
        if not self.tail or self.log.role is not None or self._answer.state is not None:
            return False
        run = self.instance.started_at
        answer = await ask_monitor(engine, self.instance)
        if answer.state is None or self.instance.started_at != run:
            return False
        self._answer = answer
        return True
