"""Bring-up of a group on a cluster: its objects applied, its pods awaited.

Ports, store and rendered configuration, which a local group has on this machine, are in the cluster. So this
module shares the promises of `stanlocal.lifecycle.up`, and little else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stanlocal.errors import NodeNotFound, NodeUnreachable, NotAllowed, SettingsError
from stanlocal.group.core import Group, Look, origin_of
from stanlocal.lifecycle.changes import changes
from stanlocal.lifecycle.planner import UpRequest
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import CLIENT_PORT, MONITOR_PORT, STORE_DIR, GroupPlan
from stanlocal.model.states import GroupState, GroupStatus
from stanlocal.settings import Settings
from stanlocal.util.tasks import run_to_end

_RUNNING = "the running group"


@dataclass(frozen=True, slots=True)
class _Found:
    """Findings of an `up`, which it leaves as they were if it fails."""

    plan: GroupPlan | None
    parts: frozenset[str]
    """Parts of the store, as `store_parts` names them."""
    entries: frozenset[Path]
    """Entries of the group's folder."""
    secrets: Mapping[str, bytes | None]


async def up(group: Group, request: UpRequest) -> Look:
    """Bring the group up: one node active, every other a standby.

    What is already as asked is left alone. A group that was not there is removed again when this fails or is
    cancelled. Raises `NameConflict` if something foreign has a name that is needed, `WaitTimeout` when time
    runs out, `NodeFailed` as soon as a node fails.
    """
    waiting = f"waiting for another command that changes '{group.name}'"
    async with group.home.lock(lambda: request.report(waiting)):
        engine, home = group.engine, group.home
        await group.check_origin(await engine.instances(group.name))
        await engine.check_owned(group.name)
        if any(fault.in_force for fault in home.recorded_faults()):
            from stanlocal.faults.healing import heal_but_ended  # it loads every fault

            await heal_but_ended(group)
        there = await engine.kept_plan(group.name)
        before = there or home.load_plan()
        had = home.secrets.revealed(before.decided()) if before else None
        settings = request.settings(had)
        if problems := list(_unfit(settings)):
            raise SettingsError(problems)
        for warning in settings.warnings:
            request.note(f"warning: {warning}")
        for line in changes(settings, had):
            request.note(line)
        await request.ensure_image(settings)
        parts = await engine.store_parts(group.name)
        found = _Found(before, parts, home.entries(), home.secrets.keep())
        try:
            return await _converge(group, request, settings)
        except BaseException:
            if there is None:
                await run_to_end(_undo(group, request, found))
            raise


def _unfit(settings: Settings) -> Iterator[str]:
    """Yield the settings that mean something on this machine only."""
    if settings.secure:
        yield (
            "secure makes certificates for this machine; on a cluster name files in nats.tls, as "
            "'stanlocal export kubernetes --secure' says"
        )
    if settings.proxied:
        yield "proxied needs the engine 'docker': a cluster's group has no proxy in its path"
    for name in ("store_dir", "store_size", "port"):
        if getattr(settings, name) is not None and settings.sources.get(name) != _RUNNING:
            yield f"{name} is for groups on this machine; a cluster's store is on a claim (kubernetes.claim)"


async def _converge(group: Group, request: UpRequest, settings: Settings) -> Look:
    engine, home = group.engine, group.home
    deadline = asyncio.get_running_loop().time() + request.timeout
    plan = await _plan(group, settings)
    request.report("applying the objects of the group")
    await _apply(group, plan, settings)
    found = group.with_identity(await engine.kept_plan(group.name))
    assert found is not None, "its StatefulSet has been applied"
    home.save_plan(found)
    look = await _ready(group, request, found, deadline)
    home.journal.close_faults()
    return look


async def _apply(group: Group, plan: GroupPlan, settings: Settings) -> None:
    """Apply the objects, and keep the secrets in them; where they are refused, those of before stay."""
    kept = group.home.secrets
    before = kept.keep()
    kept.save(settings.streaming, settings.nats)  # first: no killed tool leaves a password that is not kept
    try:
        await group.engine.prepare(plan)
    except BaseException:
        kept.put_back(before)
        raise


async def _plan(group: Group, settings: Settings) -> GroupPlan:
    """Return the plan of the settings, secrets included: they go into a Secret of the cluster."""
    plan = plan_group(
        group=group.name,
        image=settings.image,
        ports=[(CLIENT_PORT, MONITOR_PORT)] * settings.nodes,
        store_dir=STORE_DIR,
        state_dir=str(group.home.folder),
        user="",
        streaming=settings.streaming,
        nats=settings.nats,
        placement=group.engine.placement,
    )
    return replace(plan, origin=await origin_of(group.engine))


async def _ready(group: Group, request: UpRequest, plan: GroupPlan, deadline: float) -> Look:
    """Return once every pod is of the plan and runs, one node is active, and every other a standby."""
    from stanlocal.group.watch import Watch

    names = {node.name for node in plan.nodes}

    def reached(status: GroupStatus) -> bool:
        return status.state is GroupState.HEALTHY and {node.name for node in status.nodes} == names

    request.report("waiting for the pods to run")
    try:
        async with asyncio.timeout_at(deadline):
            for node in plan.nodes:
                await group.engine.create(plan, node, "")
                await group.engine.start(plan, node.name)
    except TimeoutError:
        async with Watch(group.engine, plan, group.home.journal) as watch:
            raise watch.timed_out(request.timeout, "every pod to run") from None
    request.report("waiting for a node to take the store lock and the others to stand by")
    # A watch over the pods of before would show their ends, which are no failures.
    async with Watch(group.engine, plan, group.home.journal) as watch:
        status = await watch.until(
            lambda status: status.failed(names) is not None or reached(status),
            timeout=request.timeout,
            deadline=deadline,
            waiting_for="one active node and standbys",
        )
        if (failed := status.failed(names)) is not None:
            from stanlocal.lifecycle.failed_node import reason_of_failure

            raise await reason_of_failure(group, failed.name)
    return await group.look()


async def _undo(group: Group, request: UpRequest, found: _Found) -> None:
    """Put back what this `up` wrote over, and remove what it made."""
    home = group.home
    try:  # first what needs no cluster: the cluster may be what has failed
        if found.plan is not None:
            home.secrets.put_back(found.secrets)
            home.save_plan(found.plan)
    finally:
        await _remove_made(group, request, found)
    if found.plan is None:  # last: a group that could not be removed needs its secrets
        home.secrets.put_back(found.secrets)
        home.forget(keep=found.entries)


async def _remove_made(group: Group, request: UpRequest, found: _Found) -> None:
    """Remove the group, and its store unless that was there before or has served."""
    new = await group.engine.store_parts(group.name) - found.parts
    served = bool(new) and request.bound_to is None and await _has_served(group)
    await group.engine.clean(group.name)
    if served:
        request.note(
            f"the store has served, and stays until 'stanlocal down --purge': {', '.join(sorted(new))}"
        )
    else:
        await group.engine.discard_store(group.name, found.parts)


async def _has_served(group: Group) -> bool:
    """Return whether a pod has ever been active, by its log; one whose log cannot be read counts as one."""
    from stanlocal.lifecycle.served_store import was_active  # only a failed `up` needs it

    for instance in await group.engine.instances(group.name):
        try:
            if await was_active(group.engine, instance.name):
                return True
        except (NodeNotFound, NodeUnreachable, NotAllowed):
            if instance.started_at is not None:
                return True
    return False
