"""Injects faults and puts them right, on the record.

The intent is in the journal before anything happens: a tool that is killed half way leaves a fault that
later commands know of. Each holds the group's lock.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from stanlocal.faults.base import Condition, Fault
from stanlocal.faults.registry import FAULTS
from stanlocal.group import Group
from stanlocal.journal import FaultRecord, Record, rfc3339
from stanlocal.states import NodeStatus
from stanlocal.targets import resolve


def _silent() -> None:
    """Nobody is told that the lock is waited for: those who hold it do so for moments."""


async def inject(group: Group, fault: Fault, targets: Sequence[str]) -> FaultRecord:
    """Injects a fault; returns its record once the engine confirms the effect.

    Raises `NodeNotFound` for targets that name nothing, before anything is touched.
    """
    async with group.home.lock(_silent):
        look = await group.look()
        nodes = resolve(look.status, targets)
        id_ = secrets.token_hex(4)
        journal = group.home.journal
        journal.append(
            Record(
                datetime.now(UTC),
                "fault",
                id_,
                name=fault.name,
                targets=tuple(node.name for node in nodes),
                runs={
                    node.name: rfc3339(node.instance.started_at) for node in nodes if node.instance.started_at
                },
                expected=fault.expect(look.status, nodes),
                ends_run=fault.ends_run,
            )
        )
        try:
            times = await fault.inject(group, nodes)
        except BaseException:
            await _forget_if_harmless(group, id_, nodes)
            raise
        stamps = {name: rfc3339(time) for name, time in times.items()}
        journal.append(Record(datetime.now(UTC), "effect", id_, times=stamps))
        if fault.leaves is None:
            journal.append(Record(datetime.now(UTC), "heal", id_))
        if fault.ends_run:
            _heal(group, "frozen", (node.name for node in nodes))
        return next(record for record in journal.faults() if record.id == id_)


async def _forget_if_harmless(group: Group, id_: str, before: Sequence[NodeStatus]) -> None:
    """Closes the record of a fault that was refused before any of its targets changed."""
    now = {instance.name: instance for instance in await group.engine.instances(group.name)}
    if all(now.get(node.name) == node.instance for node in before):
        group.home.journal.append(Record(datetime.now(UTC), "heal", id_))


async def send_signal(group: Group, targets: Sequence[str], signal: str) -> None:
    """Sends a signal that ends nothing; there is nothing to record or to put right."""
    look = await group.look()
    nodes = resolve(look.status, targets)
    await asyncio.gather(*(group.engine.signal(node.name, signal) for node in nodes))


async def start(group: Group, targets: Sequence[str]) -> None:
    """Starts nodes that do not run: the end of kills and stops."""
    async with group.home.lock(_silent):
        look = await group.look()
        nodes = [node.name for node in resolve(look.status, targets)]
        await asyncio.gather(*(group.start(name) for name in nodes))
        _heal(group, "ended", nodes)


async def unpause(group: Group, targets: Sequence[str]) -> None:
    """Lets frozen nodes go on: the end of pauses."""
    async with group.home.lock(_silent):
        look = await group.look()
        nodes = [node.name for node in resolve(look.status, targets)]
        await asyncio.gather(*(group.engine.unpause(name) for name in nodes))
        _heal(group, "frozen", nodes)


def _heal(group: Group, condition: Condition, nodes: Iterable[str]) -> None:
    """Records that the condition is over on these nodes."""
    nodes = set(nodes)
    for fault in group.home.journal.faults():
        known = FAULTS.get(fault.name)
        healed = tuple(sorted(node for node in nodes if fault.hits(node)))
        if healed and known is not None and known.leaves == condition:
            group.home.journal.append(Record(datetime.now(UTC), "heal", fault.id, targets=healed))
