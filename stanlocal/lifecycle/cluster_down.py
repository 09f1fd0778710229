"""Taking a group on a cluster down: its objects, and with a purge what its store is on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from stanlocal.errors import NodeNotFound, NodeUnreachable, StateError
from stanlocal.group.core import Group
from stanlocal.group.retirement import pod_grace
from stanlocal.lifecycle.down import Down, note_down
from stanlocal.store.guard.purge import PurgeReport
from stanlocal.util.tasks import all_to_end


async def down(
    group: Group, *, timeout: float | None, purge_store: bool, report: Callable[[str], None]
) -> Down:
    """Remove the group's objects, and keep the claim of its store, logs and journal.

    A server gets SIGTERM and has `timeout` seconds before SIGKILL, at most its pod's grace, the default. With
    `purge_store` the claim goes too if stanlocal made it, with its volume's object, and the group's state
    folder. Without a group it does nothing. Raises `NameConflict` if stanlocal did not make the group.
    """
    waiting = f"waiting for another command that changes '{group.name}'"
    async with group.home.lock(lambda: report(waiting)):
        engine = group.engine
        instances = await engine.instances(group.name)
        await group.check_origin(instances)
        await engine.check_owned(group.name)
        names = [instance.name for instance in instances]
        unsaved: list[str] = []
        if instances:
            report(f"stopping {', '.join(names)}")
            for name in names:  # a deleted pod leaves no log
                await _save_log(group, name, unsaved)
            plan = instances[0].plan
            await engine.hold(plan, names)
            grace = pod_grace(plan, timeout, report)
            await all_to_end(*(_end(group, name, grace) for name in names))
        parts = await engine.store_parts(group.name)
        await engine.clean(group.name, names)
        try:
            if instances:
                note_down(group, instances)
            if group.home.recorded_faults():
                group.home.journal.close_faults()
        except StateError as error:
            unsaved.append(str(error))
        if not purge_store:
            return Down(tuple(names), unsaved=tuple(unsaved))
        foreign = tuple(sorted(parts - await engine.store_parts(group.name)))
        report("purging the store")
        await engine.discard_store(group.name)
        return Down(tuple(names), PurgeReport(left=foreign, failed=group.home.forget()))


async def _save_log(group: Group, node: str, unsaved: list[str]) -> None:
    try:
        with suppress(NodeNotFound):
            await group.save_log(node)
    except (StateError, NodeUnreachable) as error:
        unsaved.append(str(error))


async def _end(group: Group, node: str, grace_s: float) -> None:
    """End a node; one on a lost machine is left to the cluster, for which `clean` waits."""
    with suppress(NodeNotFound, NodeUnreachable):
        await group.engine.stop(node, grace_s)
