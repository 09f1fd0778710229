"""Taking a group down."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stanlocal.engine.docker.trial_cache import beside
from stanlocal.errors import NodeNotFound
from stanlocal.group.core import Group, current_plan
from stanlocal.model.plan import STOP_GRACE_S
from stanlocal.store.guard import drafts
from stanlocal.store.guard.folder import PurgeReport, check_purgeable, purge
from stanlocal.util.tasks import together


@dataclass(frozen=True, slots=True)
class Down:
    """What a `down` did."""

    removed: tuple[str, ...]
    """The nodes that were there."""
    purged: PurgeReport | None = None
    """What became of the store; None when it was not to be touched."""


async def down(
    group: Group,
    *,
    timeout: float | None = None,
    purge_store: bool = False,
    report: Callable[[str], None] = lambda line: None,
) -> Down:
    """Removes the group's nodes and networks, and keeps its store, ports, logs and journal.

    A node gets SIGTERM and has `timeout` seconds (by default the plan's grace) before SIGKILL; 0 ends
    it at once. With `purge_store` the store goes too, as `folder.purge` does it, and all
    that is remembered of the group. Where there is nothing, nothing happens.
    """
    waiting = f"waiting for another command that changes '{group.name}'"
    async with group.home.lock(lambda: report(waiting)):
        instances = await group.engine.instances(group.name)
        plan = current_plan(instances) or group.home.load_plan()
        grace = timeout if timeout is not None else plan.stop_grace_s if plan else STOP_GRACE_S
        store = Path(plan.store_dir) if plan else group.home.default_store
        if purge_store:
            check_purgeable(store, group.name)
        if instances:
            report(f"stopping {', '.join(instance.name for instance in instances)}")
        await together(*(retire(group, instance.name, grace) for instance in instances))
        await group.engine.clean(group.name)
        group.home.journal.close_faults()
        removed = tuple(instance.name for instance in instances)
        if not purge_store:
            return Down(removed)
        report(f"purging the store {plan.store_location if plan else store}")
        await group.engine.discard_store(group.name)
        drafts.remove(store, group.name)
        purged = purge(store, group.name)
        shutil.rmtree(beside(store), ignore_errors=True)  # a killed tool's trial of its file system
        if not purged.left and not purged.failed:
            group.home.forget()
        return Down(removed, purged)


async def retire(group: Group, node: str, grace_s: float) -> None:
    """Ends a node, keeps its log, and removes it; nothing happens if it is gone.

    One whose removal an engine has not finished has no log any more, and still its name.
    """
    with suppress(NodeNotFound):
        if grace_s > 0:
            await group.engine.stop(node, grace_s)
        else:
            await group.engine.signal(node, "SIGKILL")
        group.home.save_log(node, await group.engine.output(node))
    await group.engine.remove(node)
