"""Taking a group down."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stanlocal.engine.base import require
from stanlocal.engine.docker.trial_cache import beside
from stanlocal.errors import NodeNotFound, StateError, StoreRefused
from stanlocal.group.core import Group, current_plan
from stanlocal.group.retirement import stop
from stanlocal.model.instance import Instance
from stanlocal.model.plan import STOP_GRACE_S, GroupPlan
from stanlocal.store.guard import drafts
from stanlocal.store.guard.holder import check_not_held
from stanlocal.store.guard.purge import PurgeReport, check_purgeable, purge
from stanlocal.util.tasks import together


@dataclass(frozen=True, slots=True)
class Down:
    """Result of a `down`."""

    removed: tuple[str, ...]
    """The nodes that were there."""
    purged: PurgeReport | None = None
    """Result for the store and the group's state folder; None when they were left alone."""
    unsaved: tuple[str, ...] = ()
    """Messages about logs and ends of faults that a full disk prevented from being saved."""
    had_store: bool = True
    """Whether there was a store."""


async def down(
    group: Group,
    *,
    timeout: float | None = None,
    purge_store: bool = False,
    report: Callable[[str], None] = lambda line: None,
) -> Down:
    """Remove the group's nodes and networks, and keep its store, ports, logs and journal.

    A fault whose damage is in the store stays in force: the next `up`, or a `heal`, undoes it.

    A node gets SIGTERM and has `timeout` seconds (by default the plan's grace) before SIGKILL; 0 ends
    it at once. With `purge_store` the store is deleted too, as `store.guard.purge` does it, and the group's
    state folder. Without a group it does nothing. A full disk does not stop it: see `Down.unsaved`. Raises
    `StoreRefused`, before any node is stopped, if the store must not be deleted, `Unsupported` if the engine
    only looks at groups.
    """
    require(group.engine, ("make",))
    waiting = f"waiting for another command that changes '{group.name}'"
    async with group.home.lock(lambda: report(waiting)):
        instances = await group.engine.instances(group.name)
        await group.check_origin(instances)
        plan = group.with_identity(current_plan(instances) or group.home.load_plan())
        grace = timeout if timeout is not None else plan.stop_grace_s if plan else STOP_GRACE_S
        store = Path(plan.store_dir) if plan else group.home.default_store
        group_id = plan.group_id if plan else group.home.group_id()
        made = store in group.home.made_stores
        if purge_store:
            drafts.recover(store, group.name, group_id)  # what a killed restore set aside can be a user's own
            check_purgeable(store, group.name, group_id, made=made)
            _check_unused_by_others(store, plan, instances)
        if instances:
            report(f"stopping {', '.join(instance.name for instance in instances)}")
        unsaved: list[str] = []
        await together(*(_end(group, instance.name, grace, unsaved) for instance in instances))
        if instances:
            with _noted(unsaved):
                note_down(group, instances)
        await group.engine.clean(group.name, [instance.name for instance in instances])
        with _noted(unsaved):
            _close_faults(group, store_stays=not purge_store)
        removed = tuple(instance.name for instance in instances)
        if not purge_store:
            return Down(removed, unsaved=tuple(unsaved))
        had_store = plan is not None or store.exists()
        report(f"purging the store {plan.store_location if plan else store}")
        await group.engine.discard_store(group.name)
        drafts.remove(store, group.name, group_id)
        purged = purge(store, group.name, group_id, made=made)
        shutil.rmtree(beside(store), ignore_errors=True)  # a killed tool's trial of its file system
        if not purged.left and not purged.failed:
            purged = PurgeReport(failed=group.home.forget())
        return Down(removed, purged, had_store=had_store)


def note_down(group: Group, ended: Sequence[Instance]) -> None:
    """Record that the nodes that ran have just ended, of which the engine keeps nothing: it was no failover.

    `ended` has them as they were before. Raises `StateError` when the disk is full.
    """
    now = datetime.now(UTC)
    group.home.journal.taken_down({each.name: now for each in ended if each.running})


def _close_faults(group: Group, *, store_stays: bool) -> None:
    """Record the end of every fault that has gone with the nodes, or, without the store, of all."""
    if any(fault.in_force for fault in group.home.recorded_faults()):
        from stanlocal.faults.registry import FAULTS  # it loads every fault

        kept = [name for name, kind in FAULTS.items() if store_stays and kind.in_store]
        group.home.journal.close_faults(kept)


def _check_unused_by_others(store: Path, plan: GroupPlan | None, instances: Sequence[Instance]) -> None:
    """Raise `StoreRefused`, before any node is stopped, when the store's lock is not one of these nodes'."""
    from stanlocal.group.observation import look_at_lock  # only a purge needs what it loads

    outcome = f"nothing of {store} was deleted"
    if not any(instance.running for instance in instances):
        check_not_held(store, outcome)
    elif plan is not None and (stranger := look_at_lock(plan, instances).stranger):
        raise StoreRefused(f"{outcome}: {stranger} has its lock; end it first")


async def _end(group: Group, node: str, grace_s: float, unsaved: list[str]) -> None:
    """End a node and save its log; go on when there is no room for that, or the node is half removed."""
    with suppress(NodeNotFound):
        await stop(group, node, grace_s)
        with _noted(unsaved):
            await group.save_log(node)


@contextmanager
def _noted(notes: list[str]) -> Iterator[None]:
    """Add the message of a `StateError` to `notes` instead of raising it."""
    try:
        yield
    except StateError as error:
        if str(error) not in notes:
            notes.append(str(error))
