"""Bring-up of a group, as a readable list of steps.

It starts from what exists: run again after any interruption, it completes what is missing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from stanlocal.access.server_files import read_server_files
from stanlocal.errors import NodeNotFound, PortInUse
from stanlocal.group.core import Group, Look, intended_plan, origin_of
from stanlocal.group.reload import reload
from stanlocal.group.retirement import retire
from stanlocal.lifecycle.changes import changes
from stanlocal.lifecycle.configuration import Configuration
from stanlocal.lifecycle.placement import placement_notes, settle
from stanlocal.lifecycle.planner import Planner, UpRequest
from stanlocal.lifecycle.store_claim import claim_store, note_made
from stanlocal.model.instance import Instance
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan, Origin
from stanlocal.model.states import GroupState, GroupStatus
from stanlocal.settings import Settings
from stanlocal.store.guard.claim import Claim
from stanlocal.store.guard.purge import discard_unused
from stanlocal.util.tasks import beside, run_to_end, together

if TYPE_CHECKING:  # it reads logs, and is loaded while the first node starts
    from stanlocal.group.watch import Watch

_PARALLEL_STARTS = 4


async def up(group: Group, request: UpRequest) -> Look:
    """Bring the group up: one node active, every other a standby.

    What is already as asked is left alone. When it fails or is cancelled, it removes what it made, except for
    a store that has served. Two calls at once happen one after the other. Raises `NodeFailed`
    as soon as a node fails, `WaitTimeout` when time runs out, and what settings, image and engine raise.
    """
    waiting = f"waiting for another command that changes '{group.name}'"
    async with group.home.lock(lambda: request.report(waiting)):
        if request.bound_to is not None:
            group.home.save_binding(group.engine.name, request.bound_to)
        instances = await group.engine.instances(group.name)
        await group.check_origin(instances)
        if any(fault.in_force for fault in group.home.recorded_faults()):
            from stanlocal.faults.healing import heal_but_ended  # it loads every fault

            await heal_but_ended(group)
            instances = await group.engine.instances(group.name)
        before = group.with_identity(intended_plan(instances) or group.home.load_plan())
        had = group.home.secrets.revealed(before.decided()) if before else None
        if not all(instance.running for instance in instances):
            from stanlocal.lifecycle.half_started import without_half_started

            instances = await without_half_started(group, instances)
        settings = request.settings(had)
        for line in (*(f"warning: {each}" for each in settings.warnings), *changes(settings, had)):
            request.note(line)
        engine = group.engine
        async with beside(engine.store_parts(group.name)) as parts, beside(origin_of(engine)) as source:
            await request.ensure_image(settings)
            found = await engine.place(group.name, settings.image, group.home.folder)
            store_parts, origin = await parts, await source
        placement = settle(found, settings, before, group.home.default_store)
        for line in placement_notes(placement, group.name):
            request.note(line)
        files = read_server_files(settings.streaming, settings.nats, placement.host, secure=settings.secure)
        configuration = Configuration(group.home, settings, files, before)
        bringup = _Bringup(
            group, request, settings, configuration, instances, before, placement, store_parts, origin
        )
        try:
            return await bringup.run()
        except BaseException:
            await run_to_end(bringup.undo())
            raise


class _Bringup:
    """One `up`: what it found, its target, and what it made, which `undo` removes."""

    def __init__(
        self,
        group: Group,
        request: UpRequest,
        settings: Settings,
        configuration: Configuration,
        instances: Sequence[Instance],
        before: GroupPlan | None,
        placement: Placement,
        store_parts: frozenset[str],
        origin: Origin,
    ) -> None:
        self._group = group
        self._placement = placement
        self._engine = group.engine
        self._request = request
        self._settings = settings
        self._configuration = configuration
        self._present = {instance.name: instance for instance in instances}
        self._before = before
        self._was_there = bool(instances)
        self._made: list[str] = []
        self._started: set[str] = set()
        self._volume_served = False
        self._found_running = {instance.name for instance in instances if instance.running}
        self._claim: Claim | None = None
        self._store_parts = store_parts
        self._origin = origin
        known = before.group_id if before else group.home.group_id()
        self._id_was_known = known is not None
        self._group_id = known or secrets.token_hex(8)

    async def run(self) -> Look:
        """Claim the store, then plan and start nodes until no chosen port turns out to be taken."""
        in_use = any(instance.running for instance in self._present.values())
        self._claim = claim_store(self._group, self._request, self._settings, self._group_id, in_use=in_use)
        note_made(self._group, self._request, self._claim)
        planner = Planner(
            self._group, self._request, self._settings, self._present, self._before, self._placement
        )
        while True:
            plan = replace(
                planner.plan(str(self._claim.path)),
                group_id=self._group_id,
                origin=self._origin,
                tls_name=self._configuration.tls_name,
            )
            plan = self._configuration.named_for_routes(plan)
            fingerprints = self._configuration.write(plan)
            self._group.home.save_plan(plan)
            try:
                return await self._converge(plan, fingerprints)
            except PortInUse as conflict:  # taken between the choice and the start
                if not planner.give_up(conflict.port):
                    raise
                await self._remove_made()

    # From the existing nodes to those of the plan

    async def _converge(self, plan: GroupPlan, fingerprints: Mapping[str, str]) -> Look:
        if self._before is not None and self._before.proxied != plan.proxied:
            await self._retire_all()  # client ports pass between the nodes and the proxy
        await self._engine.prepare(plan)
        if not self._present:
            # The first node's wait for the lock begins at once; a watch would look at each change by then.
            deadline = self._deadline()
            await together(self._start_all(plan, fingerprints), self._engine.check_lock(plan), _load_watch())
            async with self._watch(plan) as watch:
                return await self._ready(plan, watch, deadline)
        await _load_watch()
        async with self._watch(plan) as watch:
            await self._replace_present(plan, fingerprints, watch)
            deadline = self._deadline()
            await together(self._start_all(plan, fingerprints), self._engine.check_lock(plan))
            return await self._ready(plan, watch, deadline)

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._request.timeout

    def _watch(self, plan: GroupPlan) -> Watch:
        from stanlocal.group.watch import Watch

        return Watch(self._engine, plan, self._group.home.journal)

    async def _replace_present(self, plan: GroupPlan, fingerprints: Mapping[str, str], watch: Watch) -> None:
        """Remove the nodes that are not in the plan, and make those again that differ from it."""
        for name in self._present.keys() - fingerprints.keys():
            self._request.report(f"removing {name}")
            await self._retire(name)
        for instance in self._present.values():
            await self._recover(plan, instance)
        changed = [
            name
            for name, instance in self._present.items()
            if self._request.recreate or instance.fingerprint != fingerprints[name]
        ]
        if len(changed) < len(self._present) or any(node.instance.running for node in watch.status.nodes):
            await self._replace_one_by_one(plan, changed, fingerprints, watch)
        else:
            await self._retire_all()

    async def _replace_one_by_one(
        self, plan: GroupPlan, changed: Sequence[str], fingerprints: Mapping[str, str], watch: Watch
    ) -> None:
        """Replace the standbys first and the active node last, so that service is interrupted once."""
        await watch.caught_up()
        for name in sorted(changed, key=lambda name: watch.status.node(name).holds_store):
            self._request.report(f"making {name} again")
            await self._retire(name)
            await self._make(plan, name, fingerprints[name])
            await self._engine.start(plan, name)
            deadline = self._deadline()
            back = partial(GroupStatus.is_back, name=name)
            await self._until(plan, back, {name}, watch, deadline, f"{name} to be back")

    async def _start_all(self, plan: GroupPlan, fingerprints: Mapping[str, str]) -> None:
        """Start the first node at once, as its wait for the lock takes longest; then the rest."""
        missing = [node.name for node in plan.nodes if node.name not in self._made]
        if not missing:
            return
        first, *rest = missing
        slots = asyncio.Semaphore(_PARALLEL_STARTS)

        async def ensure(name: str) -> None:
            async with slots:
                await self._ensure_running(plan, name, fingerprints[name])

        await ensure(first)
        await together(*(ensure(name) for name in rest))

    async def _ensure_running(self, plan: GroupPlan, name: str, node_fingerprint: str) -> None:
        instance = self._present.get(name)
        if instance is None:
            await self._make(plan, name, node_fingerprint)
        elif instance.running:
            return
        self._found_running.discard(name)
        self._request.report(f"starting {name}")
        if instance is not None:
            self._group.note_end(instance)
        self._started.add(name)
        try:
            await self._engine.start(plan, name)
        except NodeNotFound:  # a network it was on is gone
            await self._retire(name)
            await self._make(plan, name, node_fingerprint)
            await self._engine.start(plan, name)

    async def _recover(self, plan: GroupPlan, instance: Instance) -> None:
        """Unfreeze and reconnect a node: frozen it would keep the store lock, without routes try for it."""
        if instance.status == "paused":
            await self._engine.unpause(instance.name)
        if not (instance.routes_connected and instance.clients_connected):
            await self._engine.rejoin(plan, instance.name)

    async def _make(self, plan: GroupPlan, name: str, node_fingerprint: str) -> None:
        self._found_running.discard(name)
        self._made.append(name)
        await self._engine.create(plan, plan.node(name), node_fingerprint)

    async def _retire_all(self) -> None:
        await together(*(self._retire(name) for name in tuple(self._present)))

    async def _retire(self, name: str) -> None:
        await retire(self._group, name, self._before.stop_grace_s if self._before else 0)
        self._present.pop(name, None)

    async def _ready(self, plan: GroupPlan, watch: Watch, deadline: float) -> Look:
        self._request.report("waiting for a node to take the store lock and the others to stand by")
        names = {node.name for node in plan.nodes}

        def reached(status: GroupStatus) -> bool:
            return status.state is GroupState.HEALTHY and len(status.nodes) == len(names)

        async with beside(self._request.meanwhile()) as meanwhile:
            what = "one active node and standbys"
            status = await self._until(plan, reached, names, watch, deadline, what)
            await meanwhile
        self._group.home.journal.close_faults()
        for name in sorted(self._configuration.renewed.intersection(self._present).difference(self._made)):
            await reload(self._group, name)
        for left in self._configuration.clear(plan):
            self._request.note(
                f"not removed: {left}; it can hold keys, so remove it yourself, or run 'stanlocal up' again"
            )
        return Look(plan, status)

    async def _until(
        self,
        plan: GroupPlan,
        reached: Callable[[GroupStatus], bool],
        names: set[str],
        watch: Watch,
        deadline: float,
        waiting_for: str,
    ) -> GroupStatus:
        """Return the first status as wanted; raises `NodeFailed` as soon as one of `names` has failed.

        A node that was found running and ends meanwhile is started: it was ending when this `up` looked.
        """
        while True:
            await watch.refresh()
            if asyncio.get_running_loop().time() >= deadline:  # the starts took all the time
                raise watch.timed_out(self._request.timeout, waiting_for)
            status = await watch.until(
                lambda status: status.failed(names) is not None or reached(status),
                timeout=self._request.timeout,
                deadline=deadline,
                waiting_for=waiting_for,
            )
            failed = status.failed(names)
            if failed is None:
                return status
            if failed.name not in self._found_running:
                from stanlocal.lifecycle.failed_node import reason_of_failure

                raise await reason_of_failure(self._group, failed.name)
            self._found_running.discard(failed.name)
            self._group.note_end(failed.instance)
            await self._engine.start(plan, failed.name)

    async def undo(self) -> None:
        """Remove what this `up` made, so that a later `up` does what it would have done before."""
        try:  # first what needs no engine: the engine may be what has failed
            self._configuration.put_back(self._group_id)
        finally:
            await self._remove_made()
        store_stays = self._claim is not None
        if self._claim is not None and self._claim.new:
            store_stays = not discard_unused(self._claim.path, self._group.name, self._group_id)
            if not store_stays:
                self._group.home.made_stores.discard(self._claim.path)
        if not self._was_there:
            await self._engine.clean(self._group.name)
            if self._volume_served:
                store_stays = True
                self._request.note("the store's volume has served: it stays until 'stanlocal down --purge'")
            else:
                await self._engine.discard_store(self._group.name, self._store_parts)
            if self._before is None:
                for left in self._configuration.forget(keep_id=store_stays or self._id_was_known):
                    self._request.note(f"not removed: {left}; it can hold keys, so remove it yourself")

    async def _remove_made(self) -> None:
        new = await self._engine.store_parts(self._group.name) - self._store_parts
        if new and not self._was_there and self._request.bound_to is None:  # a temporary group keeps nothing
            from stanlocal.lifecycle.served_store import has_served  # only a failed `up` needs it

            served = await has_served(self._engine, self._made, self._started)
            self._volume_served = self._volume_served or served
        for name in self._made:
            await self._engine.remove(name)
            self._present.pop(name, None)
        self._made.clear()


async def _load_watch() -> None:
    """Load what watches a group, which takes as long as a node's start."""
    await asyncio.to_thread(import_module, "stanlocal.group.watch")
