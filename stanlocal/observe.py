"""One look at a group: everything that can be known of it now, gathered at once and assessed.

For commands that look and go; who stays uses `stanlocal.watch`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from stanlocal.engine.base import Engine, Instance, RawLine
from stanlocal.errors import NodeNotFound
from stanlocal.journal import Journal, end_is_recorded
from stanlocal.locks import LOCK_FILE, container_of, lock_holder
from stanlocal.logs.facts import fold
from stanlocal.logs.parse import parse
from stanlocal.monitor import probe
from stanlocal.plan import STORE_DIR, GroupPlan
from stanlocal.states import GroupStatus, LockFacts, LogFacts, NodeFacts, assess

_MONITOR_TIMEOUT_S = 0.25
"""A monitor that answers does so within milliseconds; one that recovers or is frozen not at all."""
_TAIL = 500
"""Lines in which the last milestone of a run is nearly always found."""


async def observe(
    engine: Engine, plan: GroupPlan, instances: Sequence[Instance], journal: Journal
) -> GroupStatus:
    """The status that the engine, the logs, the monitors, the lock and the journal amount to."""
    recorded = journal.faults()
    logs, monitors = await asyncio.gather(
        asyncio.gather(*(log_facts(engine, instance) for instance in instances)),
        asyncio.gather(*(_monitor_state(plan, instance) for instance in instances)),
    )
    facts = [
        NodeFacts(
            instance,
            log,
            monitor,
            end_recorded=end_is_recorded(recorded, instance.name, instance.started_at),
        )
        for instance, log, monitor in zip(instances, logs, monitors, strict=True)
    ]
    return assess(facts, look_at_lock(plan, instances))


async def log_facts(engine: Engine, instance: Instance) -> LogFacts:
    """What the node's log says: from its tail, or from all of it where the tail tells no milestone."""
    try:
        lines = await engine.output(instance.name, tail=_TAIL)
        facts = _fold(lines)
        if facts.role is None and len(lines) >= _TAIL:
            facts = _fold(await engine.output(instance.name, since=instance.output_since))
    except NodeNotFound:  # removed between the look at the engine and this one
        return LogFacts()
    return facts


def _fold(lines: Sequence[RawLine]) -> LogFacts:
    return fold(parse(line.text, line.time) for line in lines)


async def _monitor_state(plan: GroupPlan, instance: Instance) -> str | None:
    if instance.status != "running" or not instance.clients_connected:
        return None
    answer = await probe(plan.monitor_url(plan.node(instance.name)), _MONITOR_TIMEOUT_S)
    return answer.state


def _lock_file(plan: GroupPlan, instances: Sequence[Instance]) -> Path:
    """Where it is on this machine; a store with a limit only the nodes themselves can find."""
    pid = next((instance.pid for instance in instances if instance.pid), None)
    if plan.store_volume is not None and pid is not None:
        return Path(f"/proc/{pid}/root{STORE_DIR}") / LOCK_FILE
    return Path(plan.store_dir) / LOCK_FILE


def look_at_lock(plan: GroupPlan, instances: Sequence[Instance]) -> LockFacts:
    """Who holds the store's lock, as the kernel shows it.

    Without a node among this machine's processes nothing can be seen: the folder is then another one, or
    nobody of the group has it.
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
