"""One look at a group: all facts of it now, gathered at once and assessed.

Commands that look once use it; those that follow a group use `stanlocal.group.watch`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from pathlib import Path

from stanlocal.engine.base import Engine
from stanlocal.errors import NodeNotFound, NodeUnreachable
from stanlocal.logs.line_patterns import parse
from stanlocal.logs.node_facts import fold
from stanlocal.machine.locks import LOCK_FILE, container_of, lock_holder
from stanlocal.model.assessment import assess, role_of
from stanlocal.model.fault_record import FaultRecord, fault_that_ended
from stanlocal.model.instance import Instance, RawLine
from stanlocal.model.plan import STORE_DIR, GroupPlan
from stanlocal.model.states import GroupStatus, LockFacts, LogFacts, NodeFacts
from stanlocal.monitor.client import MonitorAnswer, ask_role

_MONITOR_TIMEOUT_S = 0.25
"""A monitor answers within milliseconds, or, on a node that recovers or is frozen, not at all."""
_TAIL = 500
"""Number of last lines, which nearly always hold a run's last milestone."""

NO_ANSWER = MonitorAnswer("silent")


async def observe(
    engine: Engine, plan: GroupPlan, instances: Sequence[Instance], recorded: Sequence[FaultRecord]
) -> GroupStatus:
    """Derive the status from the engine, the logs, the monitors, the lock and the recorded faults."""
    facts = await asyncio.gather(*(_look_at_node(engine, instance, recorded) for instance in instances))
    return assess(facts, look_at_lock(plan, instances))


async def _look_at_node(engine: Engine, instance: Instance, recorded: Sequence[FaultRecord]) -> NodeFacts:
    """Gather a node's facts; read a long log whole if neither its tail nor the monitor shows the role."""
    try:
        answer, lines = await asyncio.gather(ask_monitor(engine, instance), _tail(engine, instance.name))
        log = _fold(lines)
        if role_of(log, answer.state) is None and len(lines) >= _TAIL:
            log = await _fold_all(engine, instance)
    except NodeUnreachable as error:
        return node_facts(instance, LogFacts(), NO_ANSWER, recorded, unread=str(error))
    return node_facts(instance, log, answer, recorded)


async def _tail(engine: Engine, node: str) -> Sequence[RawLine]:
    try:
        return await engine.tail(node, _TAIL)
    except NodeNotFound:  # removed between the look at the engine and this one
        return ()


async def _fold_all(engine: Engine, instance: Instance) -> LogFacts:
    """Fold all lines of the node's last run."""
    log = LogFacts()
    with suppress(NodeNotFound):  # removed meanwhile
        async with aclosing(engine.output(instance.name, since=instance.output_since)) as output:
            async for batch in output:
                log = _fold(batch, log)
    return log


def _fold(lines: Sequence[RawLine], before: LogFacts | None = None) -> LogFacts:
    return fold((parse(line.text, line.time) for line in lines), before)


def node_facts(
    instance: Instance,
    log: LogFacts,
    answer: MonitorAnswer,
    recorded: Sequence[FaultRecord],
    *,
    unread: str | None = None,
) -> NodeFacts:
    """Combine everything observed about one node; `unread` is the reason why its log cannot be read."""
    return NodeFacts(
        instance,
        log,
        answer.state,
        answer.version,
        end_recorded=fault_that_ended(recorded, instance.name, instance.started_at) is not None,
        unread=unread,
    )


async def ask_monitor(engine: Engine, instance: Instance) -> MonitorAnswer:
    """Ask a node's monitor for its role; a node that cannot answer is not asked."""
    if instance.status != "running" or not instance.clients_connected:
        return NO_ANSWER
    monitor = engine.monitor(instance.plan, instance.plan.node(instance.name))
    return await ask_role(monitor, _MONITOR_TIMEOUT_S)


def _lock_file(plan: GroupPlan, instances: Sequence[Instance]) -> Path:
    """Return the lock file's path on this machine; one in a volume is reached through a node's process."""
    pid = next((instance.pid for instance in instances if instance.pid), None)
    if plan.store_volume is not None and pid is not None:
        return Path(f"/proc/{pid}/root{STORE_DIR}") / LOCK_FILE
    return Path(plan.store_dir) / LOCK_FILE


def look_at_lock(plan: GroupPlan, instances: Sequence[Instance]) -> LockFacts:
    """Return which node holds the store's lock, as the kernel shows it.

    If no node is a process of this machine, the lock is not visible: the folder is another machine's, or no
    node has it.
    """
    if not any(instance.pid for instance in instances):
        return LockFacts()
    view = lock_holder(_lock_file(plan, instances))
    if not view.visible:
        return LockFacts()
    if view.pid is None:
        return LockFacts(visible=True)
    holder = next((instance.name for instance in instances if instance.pid == view.pid), None)
    container = container_of(view.pid)
    if holder is None:
        holder = next((instance.name for instance in instances if instance.id == container), None)
    if holder is None:
        where = f" in container {container[:12]}" if container else ""
        return LockFacts(visible=True, stranger=f"process {view.pid}{where}")
    return LockFacts(visible=True, holder=holder)
