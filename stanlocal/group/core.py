"""The core: one FT group, its status, its past and its nodes.

`Group` knows an engine, a name and the group's own folder; it remembers nothing else between calls.
Bringing it up and taking it down is in `stanlocal.lifecycle.up`, faults are in `stanlocal.faults`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from stanlocal.engine.base import Engine, require
from stanlocal.errors import GroupNotFound, NodeNotFound, WrongEngine
from stanlocal.group.home import GroupHome
from stanlocal.machine.machine_identity import machine_id
from stanlocal.model.fault_record import fault_that_ended
from stanlocal.model.instance import Instance, RawLine
from stanlocal.model.plan import GroupPlan, Monitor, Origin
from stanlocal.model.states import GroupStatus
from stanlocal.util.tasks import beside, run_to_end

if TYPE_CHECKING:  # modules that `look` does not need are imported by the methods that use them
    from stanlocal.group.watch import Watch
    from stanlocal.history.failovers import Failover
    from stanlocal.history.occurrences import Occurrence
    from stanlocal.history.timeline import Event
    from stanlocal.logs.line_patterns import LogLine
    from stanlocal.logs.merge import NodeLine

_END_S = 10.0
"""Seconds in which a process that was sent a signal is waited for although the caller is cancelled."""


@dataclass(frozen=True, slots=True)
class Look:
    """A group's plan and status at one moment."""

    plan: GroupPlan
    status: GroupStatus


class Group:
    """One of the caller's FT groups."""

    def __init__(self, engine: Engine, name: str, home: GroupHome) -> None:
        self.engine = engine
        self.name = name
        self.home = home

    def __repr__(self) -> str:
        return f"<Group {self.name} on {self.engine.name}>"

    # Its state

    async def find(self) -> tuple[GroupPlan, Sequence[Instance]]:
        """Return its plan and the nodes that the engine has.

        Raises `GroupNotFound` when neither the engine nor the state folder knows the group, and `WrongEngine`
        as `check_origin` does.
        """
        instances = await self.engine.instances(self.name)
        await self.check_origin(instances)
        plan = self.with_identity(
            current_plan(instances) or await self.engine.kept_plan(self.name) or self.home.load_plan()
        )
        if plan is None:
            raise GroupNotFound(
                f"no group '{self.name}'; start it with 'stanlocal up' or see 'stanlocal list'"
            )
        return plan, instances

    async def check_origin(self, instances: Sequence[Instance]) -> None:
        """Raise `WrongEngine` when the group in the state folder was made by another engine or machine.

        It may be running there, invisible from here. `instances` are the nodes that this engine has.
        """
        saved = self.home.load_plan()
        if saved is None or saved.origin is None:
            return
        if instances and instances[-1].plan.origin == saved.origin:
            return
        difference = saved.origin.difference(await origin_of(self.engine))
        if difference is not None:
            raise WrongEngine(
                f"the group '{self.name}' was made by {difference} and may run there; use that one "
                f"(DOCKER_HOST, 'docker context'), or move {self.home.plan_file} away if it is gone for good"
            )

    def with_identity(self, plan: GroupPlan | None) -> GroupPlan | None:
        """Return the plan with the group's id and origin, which nodes made by earlier versions lack."""
        if plan is None or (plan.group_id is not None and plan.origin is not None):
            return plan
        saved = self.home.load_plan()
        group_id = plan.group_id or (saved.group_id if saved else None) or self.home.group_id()
        return replace(plan, group_id=group_id, origin=plan.origin or (saved.origin if saved else None))

    async def look(self) -> Look:
        """Return its plan and status now."""
        return await self.look_at(*await self.find())

    async def look_at(self, plan: GroupPlan, instances: Sequence[Instance]) -> Look:
        """Return the plan and the status now; `plan` and `instances` are what `find` has just returned."""
        from stanlocal.group.observation import observe

        return Look(plan, await observe(self.engine, plan, instances, self.home.recorded_faults()))

    def active_monitor(self, look: Look) -> Monitor | None:
        """Return the way to the monitor of the node that serves; None unless exactly one does."""
        active = look.status.active
        return None if active is None else self.engine.monitor(look.plan, look.plan.node(active))

    def document(self, look: Look) -> dict[str, Any]:
        """Return the group document of the contract."""
        from stanlocal.model.group_document import group_document

        in_force = [fault for fault in self.home.recorded_faults() if fault.in_force]
        return group_document(look.plan, self.engine.name, look.status, in_force)

    async def watch(self, *, with_history: bool = False) -> Watch:
        """Return a watch over it, not entered yet."""
        from stanlocal.group.watch import Watch

        plan, _ = await self.find()
        return Watch(self.engine, plan, self.home.journal, with_history=with_history)

    # Its logs and its past

    async def logs(
        self, nodes: Sequence[str] | None = None, *, since: datetime | None = None, tail: int | None = None
    ) -> list[NodeLine]:
        """Return the lines of `nodes` (default: all) in the order of time.

        They include those of containers that are gone; `tail` counts the lines of each node.
        """
        from stanlocal.logs.merge import read_all

        plan, instances = await self.find()
        wanted = nodes or [node.name for node in plan.nodes]
        present = {instance.name for instance in instances}
        return await read_all(
            self.engine,
            {name: name in present for name in wanted},
            lambda name: self.home.saved_log(name).lines(),
            since=since,
            tail=tail,
        )

    async def follow_logs(
        self, nodes: Sequence[str] | None = None, *, since: datetime | None = None, tail: int | None = None
    ) -> AsyncGenerator[Sequence[NodeLine]]:
        """Yield the lines that `logs` returns, then batches of lines as they arrive, until cancelled.

        No line is lost or repeated, over restarts of nodes and of the engine.
        """
        from stanlocal.logs.merge import follow_all

        plan, _ = await self.find()
        wanted = nodes or [node.name for node in plan.nodes]
        async for batch in follow_all(self.engine, self.name, wanted, since=since, tail=tail):
            yield batch

    async def save_log(self, node: str) -> None:
        """Save a node's output, so that it outlives the container.

        Raises `StateError` when the disk is full, `NodeNotFound` when the node is gone.
        """
        await self.home.saved_log(node).add(partial(self.engine.output, node))

    async def history(self) -> tuple[GroupPlan, Sequence[Occurrence]]:
        """Return its plan and all that happened to it, in the order of time."""
        from stanlocal.history import occurrences
        from stanlocal.history.journal import faults
        from stanlocal.logs.merge import kept_output

        plan, instances = await self.find()
        present = {instance.name: instance for instance in instances}
        logs: dict[str, list[LogLine]] = {}
        for node in plan.nodes:
            logs[node.name] = [*_telling(self.home.saved_log(node.name).lines())]
            if node.name in present:
                async with aclosing(kept_output(self.engine, node.name)) as output:
                    async for batch in output:
                        logs[node.name] += _telling(batch)
        records = self.home.journal.records()
        recorded = faults(records)
        ends = (occurrences.of_end(instance, recorded) for instance in instances)
        return plan, occurrences.merge(logs, filter(None, ends), records)

    async def failovers(self) -> list[Failover]:
        """Return every failover that the logs still show, oldest first."""
        from stanlocal.history import failovers as failover_rules

        _, past = await self.history()
        return failover_rules.find(past)

    async def events(self) -> list[Event]:
        """Return the events so far, oldest first."""
        from stanlocal.history.timeline import replay

        plan, past = await self.history()
        return replay(plan, past)

    async def follow_events(self) -> AsyncGenerator[Event]:
        """Yield the events so far, then those to come, until cancelled."""
        from stanlocal.group.watch import Watch
        from stanlocal.history.timeline import Timeline

        plan, _ = await self.find()
        timeline = Timeline(plan)
        async with Watch(self.engine, plan, self.home.journal, with_history=True) as watch:
            async for occurrence in watch.occurrences():
                for event in timeline.observe(occurrence):
                    yield event

    async def wait(
        self, reached: Callable[[GroupStatus], bool], *, timeout: float, waiting_for: str
    ) -> GroupStatus:
        """Return the first status that satisfies `reached`; raises `WaitTimeout` after `timeout` seconds."""
        async with await self.watch() as watch:
            return await watch.until(reached, timeout=timeout, waiting_for=waiting_for)

    async def wait_failover(self, *, since: datetime, timeout: float) -> Failover:
        """Return the first failover that ended at `since` or later.

        Raises `WaitTimeout` after `timeout` seconds.
        """
        from stanlocal.group.watch import Watch
        from stanlocal.history.failovers import FailoverTracker

        plan, _ = await self.find()
        tracker = FailoverTracker()
        async with Watch(self.engine, plan, self.home.journal, with_history=True) as watch:
            try:
                async with asyncio.timeout(timeout), aclosing(watch.occurrences()) as happening:
                    async for occurrence in happening:
                        failover = tracker.observe(occurrence)
                        if failover is not None and failover.ready_at >= since:
                            return await self._in_hindsight(failover)
            except TimeoutError:
                raise watch.timed_out(timeout, "a failover") from None
        raise AssertionError("a watched group's history has no end")

    async def _in_hindsight(self, seen: Failover) -> Failover:
        """Return the failover corrected by all records: its fault may be recorded only after its end."""
        found = (each for each in await self.failovers() if each.ready_at == seen.ready_at)
        return next(found, seen)

    # Single nodes: each method returns the time of the effect, once the engine confirms it

    async def start(self, node: str) -> datetime:
        """Start a node that has ended; a running one is left alone."""
        require(self.engine, ("start",))
        before = await self.instance(node)
        self.note_end(before)
        await self.engine.start(before.plan, node)
        started = (await self.instance(node)).started_at
        assert started is not None
        return started

    def note_end(self, instance: Instance) -> None:
        """Record an end that no fault explains: the next start removes its trace from the engine."""
        fault = fault_that_ended(self.home.recorded_faults(), instance.name, instance.started_at)
        if instance.finished_at is not None and fault is None:
            self.home.journal.process_ended(instance.name, instance.finished_at, instance.exit_code)

    async def stop(self, node: str, grace_s: float) -> datetime:
        """Send SIGTERM, and SIGKILL after `grace_s` seconds; return the time of the process's end."""
        if self.engine.placement.in_cluster:
            await self._keep_log(node)
        await self.engine.stop(node, grace_s)
        return (await self.engine.wait_exit(node)).time

    async def kill(self, node: str, signal: str) -> datetime:
        """Send a signal and wait for the process's end; return its time.

        When cancelled it waits for that end all the same, for 10 s at most: if it were undone before, a kill
        that is on its way would end the process afterwards.
        """
        return await run_to_end(self._kill(node, signal), within_s=_END_S)

    async def _kill(self, node: str, signal: str) -> datetime:
        if self.engine.placement.in_cluster:  # the next pod has its name: the engine knows which it has ended
            await self._keep_log(node)
            await self.engine.signal(node, signal)
            return (await self.engine.wait_exit(node)).time
        async with beside(self.engine.wait_exit(node)) as ended:
            await self.engine.signal(node, signal)
            return (await ended).time

    async def _keep_log(self, node: str) -> None:
        """Save the log of a pod that is about to be deleted, which takes it along."""
        with suppress(NodeNotFound):
            await self.save_log(node)

    async def instance(self, node: str) -> Instance:
        """Return the node as the engine has it now; raises `NodeNotFound` when it is gone."""
        for instance in await self.engine.instances(self.name):
            if instance.name == node:
                return instance
        raise NodeNotFound(f"{node} is gone from group '{self.name}'; bring it back with 'stanlocal up'")


async def origin_of(engine: Engine) -> Origin:
    """Return the origin of a group that this engine makes for the caller."""
    info = await engine.info()
    return Origin(info.id, info.address, machine_id() if info.local else None)


def _telling(lines: Iterable[RawLine]) -> Iterator[LogLine]:
    """Yield the lines that report an event: of a large log, nearly all do not."""
    from stanlocal.logs.line_patterns import parse

    parsed = (parse(line.text, line.time) for line in lines)
    return (line for line in parsed if line.event is not None)


def current_plan(instances: Sequence[Instance]) -> GroupPlan | None:
    """Return the plan of the nodes that exist, each node as planned when it was made; None without nodes."""
    if not instances:
        return None
    newest = instances[-1].plan
    nodes = tuple(instance.plan.node(instance.name) for instance in instances)
    return replace(newest, nodes=nodes)


def intended_plan(instances: Sequence[Instance]) -> GroupPlan | None:
    """Return `current_plan` with the missing nodes: those not made yet, or removed from outside."""
    plan = current_plan(instances)
    if plan is None:
        return None
    present = {node.name: node for node in plan.nodes}
    largest = max((instance.plan for instance in instances), key=lambda plan: len(plan.nodes))
    return replace(plan, nodes=tuple(present.get(node.name, node) for node in largest.nodes))
