"""Healing of faults, recorded in the journal: undoing what is in force, and what starts or thaws nodes.

That healing has begun is in the journal before anything happens. Functions that change the group hold its
lock and first heal faults that are overdue.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from stanlocal.errors import GroupNotFound, PortInUse, StanlocalError, StateError
from stanlocal.faults.base import kept_for_the_end, recover
from stanlocal.faults.registry import FAULTS
from stanlocal.faults.truncate_store import TruncateStore, repair
from stanlocal.group.core import Group, Look
from stanlocal.group.store_snapshots import put_back_now
from stanlocal.model.fault_record import HEALING, Condition, FaultRecord
from stanlocal.model.targets import resolve
from stanlocal.store.local import local_store
from stanlocal.util.tasks import all_to_end, run_to_end
from stanlocal.util.timestamps import rfc3339


def _silent() -> None:
    """Report nothing while waiting for the lock, which is held only for moments."""


@asynccontextmanager
async def changing(group: Group) -> AsyncIterator[list[FaultRecord]]:
    """Hold the group's lock, with overdue faults healed first; yield these."""
    async with group.home.lock(_silent):
        yield await heal_overdue(group)


async def heal_overdue(group: Group) -> list[FaultRecord]:
    """Heal faults that are past their end, or whose injection was cut short; call it with the lock held.

    Returns these faults as they were before.
    """
    overdue = _overdue(group)
    await undo(group, overdue)
    return overdue


def _overdue(group: Group) -> list[FaultRecord]:
    now = datetime.now(UTC)
    return [fault for fault in group.home.journal.faults() if fault.overdue(now)]


async def heal(group: Group, targets: Sequence[str] = (), *, id_: str | None = None) -> list[FaultRecord]:
    """Undo the faults in force on the targets, or the one of that id; return them, healed.

    Without targets it undoes all of them, and also unfreezes and reconnects nodes that were frozen or cut off
    from outside. A fault that hit several nodes is undone on the targets alone where that is possible.
    Overdue faults, which any command that changes the group undoes first, are returned too. What cannot be
    undone keeps nothing else from it, nor does a full disk: its error is raised in the end.
    """
    async with group.home.lock(_silent):
        failed: list[StanlocalError] = []
        overdue = _overdue(group)
        with kept_for_the_end(failed):
            await undo(group, overdue)
        look = await group.look()
        nodes = {node.name for node in resolve(look.status, targets)} if targets else None
        tried = {fault.id for fault in overdue}
        in_force = [
            fault for fault in group.home.journal.faults() if fault.in_force and fault.id not in tried
        ]
        found = [fault for fault in (*overdue, *in_force) if id_ in (None, fault.id)]
        with kept_for_the_end(failed):
            await undo(group, [fault for fault in in_force if fault in found], nodes)
        if nodes is None and id_ is None:
            status = (await group.look()).status
            frozen = [node.name for node in status.nodes if node.paused]
            cut = [node.name for node in status.nodes if node.partitioned]
            with kept_for_the_end(failed):
                await recover(group, "frozen", frozen)
            with kept_for_the_end(failed):
                await recover(group, "isolated", cut)
        if failed:
            raise failed[0]
        ids = {fault.id for fault in found if nodes is None or nodes & set(fault.targets)}
        return [fault for fault in group.home.journal.faults() if fault.id in ids]


async def heal_but_ended(group: Group) -> None:
    """Undo every fault but ends of processes: for `up`, which starts nodes itself and holds the lock.

    A node that a fault ended and whose port is taken meanwhile is left to `up`, which moves it.
    """
    found = group.home.journal.faults()
    with suppress(PortInUse):
        await undo(group, [fault for fault in found if fault.in_force and fault.leaves != "ended"])


async def undo(group: Group, found: Sequence[FaultRecord], only: Collection[str] | None = None) -> None:
    """Undo faults, the newest first, as later ones may build on earlier ones; `only` limits the nodes.

    A fault that cannot be undone keeps no other from it: its error is raised in the end. Of several errors
    the first counts, and a taken port only if it is all.
    """
    failed: list[StanlocalError] = []
    for fault in reversed(found):
        nodes = [
            node for node in fault.targets if node not in fault.healed and (only is None or node in only)
        ]
        if nodes:
            with kept_for_the_end(failed):
                await _undo(group, fault, nodes)
    if failed:
        raise min(failed, key=lambda error: isinstance(error, PortInUse))


async def _undo(group: Group, fault: FaultRecord, nodes: Sequence[str]) -> None:
    """Undo a fault, also where the journal cannot be written: then its `StateError` is raised in the end."""
    known = FAULTS.get(fault.name)
    with group.home.journal.going_on() as unwritten:
        _about_to_heal(group, fault)
        try:
            if known is not None:
                await known.undo(group, fault, nodes)
            else:  # a later version's
                await recover(group, fault.leaves or "other", nodes)
        except GroupNotFound:  # no node of the group is left to recover
            pass
        group.home.journal.fault_healed(fault.id, nodes)
    if unwritten:
        raise StateError(
            f"{fault.name} on {', '.join(nodes)} is undone, but the record of that is missing: {unwritten[0]}"
        ) from unwritten[0]


async def put_store_back(group: Group, name: str) -> str:
    """Stop the nodes, restore the snapshot of that name into the store, and start them again.

    Returns the name of a copy of the store's content before.
    """
    async with changing(group):
        plan, instances = await group.find()
        running = [instance.name for instance in instances if instance.running]
        try:
            await all_to_end(*(group.stop(node, plan.stop_grace_s) for node in running))
            return await put_back_now(group, name, local_store(plan))
        finally:
            await run_to_end(all_to_end(*(group.start(node) for node in running)))


async def repair_store(group: Group) -> str:
    """Let the server drop a torn last record of the store; see `truncate_store.repair`."""
    async with changing(group):
        said = await repair(group)
        for fault in group.home.journal.faults():
            if fault.in_force and fault.name == TruncateStore.name:
                group.home.journal.fault_healed(fault.id)
        return said


async def start(group: Group, targets: Sequence[str]) -> None:
    """Start nodes that do not run, which ends kills and stops."""
    async with changing(group):
        look = await group.look()
        nodes = _names(look, targets)
        for fault in _hitting(group, "ended", nodes):
            _about_to_heal(group, fault)
        await group.engine.release(look.plan, nodes)
        await all_to_end(*(group.start(name) for name in nodes))
        close_condition(group, "ended", nodes)


async def unpause(group: Group, targets: Sequence[str]) -> None:
    """Thaw frozen nodes, which ends pauses."""
    async with changing(group):
        nodes = _names(await group.look(), targets)
        for fault in _hitting(group, "frozen", nodes):
            _about_to_heal(group, fault)
        await all_to_end(*(group.engine.unpause(name) for name in nodes))
        close_condition(group, "frozen", nodes)


def _names(look: Look, targets: Sequence[str]) -> list[str]:
    return [node.name for node in resolve(look.status, targets)]


def _about_to_heal(group: Group, fault: FaultRecord) -> None:
    """Record the start of healing: later changes are effects of the healing, not of the fault."""
    if HEALING not in fault.notes:
        group.home.journal.fault_noted(fault.id, {HEALING: rfc3339(datetime.now(UTC))})


def close_condition(group: Group, condition: Condition, nodes: Sequence[str]) -> None:
    """Record that the condition is over on these nodes."""
    for fault in _hitting(group, condition, nodes):
        group.home.journal.fault_healed(fault.id, sorted(node for node in nodes if fault.hits(node)))


def _hitting(group: Group, condition: Condition, nodes: Sequence[str]) -> list[FaultRecord]:
    """Return the faults in force on any of the nodes that leave this condition."""
    found = group.home.journal.faults()
    return [fault for fault in found if fault.leaves == condition and any(map(fault.hits, nodes))]
