"""Changes of groups: pods ended and started again, nodes held back, objects applied and removed.

Objects that stanlocal did not make stay as they are. Pods of such a group can be deleted, which its
StatefulSet makes up for, if the `FaultGuard` allows it.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from stanlocal.engine.base import Progress
from stanlocal.engine.kubernetes import scale
from stanlocal.engine.kubernetes.answers import Json
from stanlocal.engine.kubernetes.api import MERGE, Api
from stanlocal.engine.kubernetes.fault_guard import FaultGuard
from stanlocal.engine.kubernetes.objects import STORE, Objects, node_objects
from stanlocal.engine.kubernetes.ownership import FIELD_MANAGER, SETTINGS, is_ours
from stanlocal.engine.kubernetes.pod_feed import Feed
from stanlocal.engine.kubernetes.pod_life import TERMINATED, end, until_runs
from stanlocal.engine.kubernetes.pods import index_of, members, name_of, path_of, run_of, selector_of
from stanlocal.engine.kubernetes.refusals import LACKS
from stanlocal.engine.kubernetes.rollout import revision_of, settled
from stanlocal.engine.kubernetes.workload import View, pods_path, sets_path
from stanlocal.errors import EngineError, NameConflict, NodeNotFound, NodeUnreachable, Unsupported
from stanlocal.model.instance import Exit
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.settings import redacted
from stanlocal.util.tasks import run_to_end

_GRACES: Mapping[str, float | None] = {"SIGKILL": 0, "SIGTERM": None}
"""Seconds that the deletion of a pod leaves after SIGTERM, for the signals that it can send."""
_GONE_S = 120.0
"""Seconds for the pods of a group to be gone: their grace, and the time of their machines."""
_SECRETS_VERSION = "stanlocal/secrets-version"
"""Annotation of pods that changes with the Secret they read, so that they are made again."""


class Writer(Protocol):
    """Writes the objects of a group; `stanlocal.lifecycle.cluster_objects` makes one."""

    def objects(self, plan: GroupPlan, namespace: str, claim: str | None) -> Sequence[Json]:
        """Return the objects of the group; `claim` is the one that it has already, if it is there."""


class Changing:
    """The methods of the engine that change groups."""

    placement = Placement("kubernetes", in_cluster=True)
    _api: Api
    _guard: FaultGuard
    _writer: Writer
    _objects: Objects
    _exits: dict[str, Exit]
    """Ends that the engine has caused and `wait_exit` has not reported: the pods are gone."""
    _asked: dict[str, datetime]
    """Times at which nodes that ran were held back, until they are stopped or started."""

    async def _look(self, group: str) -> View | None:
        raise NotImplementedError

    @property
    def _folder(self) -> str:
        """Path of the namespace's pods."""
        return pods_path(self._api.access.namespace)

    # Permission

    async def admit(self, group: str, nodes: Sequence[str], *, holds: bool) -> None:
        view = await self._look(group)
        if view is None:
            return
        access = self._api.access
        if not is_ours(view.workload):
            self._guard.check(group, access.context, access.namespace)
        for node in nodes:
            if (why := view.away(node)) is not None:
                raise NodeUnreachable(f"{node} cannot be reached: {why}; its server may still run there")
        if holds:
            await self._scale(view.workload, self._without(view.workload, nodes), dry_run=True)

    # Pods

    async def signal(self, node: str, signal: str) -> None:
        if signal not in _GRACES:
            raise Unsupported(LACKS["signal"])
        await self._end(node, _GRACES[signal])

    async def stop(self, node: str, grace_s: float) -> None:
        await self._end(node, grace_s)

    async def _end(self, node: str, grace_s: float | None) -> None:
        """Delete the node's pod, and return once its server has ended; `wait_exit` says how."""
        asked_at = self._asked.pop(node, None) or datetime.now(UTC)
        view, index = await self._found(node)
        self._exits.pop(node, None)
        pod, container = view.pods.get(node), view.deployment.container
        if pod is None and scale.is_held(view.workload, index):
            self._exits[node] = Exit(TERMINATED, asked_at)
        elif pod is None:
            raise NodeNotFound(f"{node} has no pod now; see 'stanlocal status'")
        elif (why := view.away(node)) is not None:
            raise NodeUnreachable(why)
        elif run_of(pod, container).status != "exited":
            ending = end(self._api, self._folder, pod, container, grace_s, asked_at)
            self._exits[node] = await run_to_end(ending)

    async def create(self, plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
        """Check that the StatefulSet has the node: it makes the pod by itself."""
        await self._found(node.name)

    async def start(self, plan: GroupPlan, node: str) -> None:
        self._forget_asked([node])
        view, index = await self._found(node)
        if scale.is_held(view.workload, index):
            await self.release(plan, [node])
        workload, container = view.workload, view.deployment.container
        if not is_ours(workload):
            await until_runs(self._api, self._folder, node, container)
            return
        revision = await settled(self._api, sets_path(self._api.access.namespace), plan.group)
        await until_runs(self._api, self._folder, node, container, lambda pod: revision_of(pod) == revision)

    async def _found(self, node: str) -> tuple[View, int]:
        """Return the node's group as it is now, and its ordinal; raise `NodeNotFound` if there is none."""
        group = node.rpartition("-")[0]
        view = await self._look(group) if group else None
        index = index_of({"metadata": {"name": node}}, group)
        if view is None or index is None or node not in {name for _, name in view.names()}:
            where = self._api.access.namespace
            raise NodeNotFound(f"no node {node} in namespace {where}; see 'stanlocal status'")
        return view, index

    # Nodes that are held back

    async def hold(self, plan: GroupPlan, nodes: Sequence[str]) -> None:
        view = await self._look(plan.group)
        if view is None:
            return
        rest = self._without(view.workload, nodes)
        container = view.deployment.container
        running = [node for node in nodes if run_of(view.pods.get(node) or {}, container).running]
        self._asked |= dict.fromkeys(running, datetime.now(UTC))  # from here on their pods are deleted
        try:
            await self._scale(view.workload, rest)
        except BaseException:
            self._forget_asked(running)
            raise

    def _forget_asked(self, nodes: Sequence[str]) -> None:
        """Forget when these nodes were held back, so that a later end has a time of its own."""
        for node in nodes:
            self._asked.pop(node, None)

    def _without(self, workload: Json, nodes: Sequence[str]) -> range:
        """Return the pods that go on without these nodes; raise `Unsupported` if a StatefulSet cannot."""
        group = name_of(workload)
        if not is_ours(workload):
            raise Unsupported(
                f"stanlocal did not make '{group}', so its StatefulSet makes every pod again at once; "
                "'restart' and 'kill' go with that, 'stop' does not"
            )
        rest = scale.rest_without(workload, {_ordinal(node) for node in nodes})
        if rest is None:
            ends = [f"{group}-{index}" for index in scale.scaled(workload)]
            raise Unsupported(
                f"a StatefulSet cannot leave out {' and '.join(nodes)} alone, only its first or its last "
                f"pods: stop {ends[0]} or {ends[-1]}, or restart or kill it"
            )
        return rest

    async def release(self, plan: GroupPlan, nodes: Sequence[str]) -> None:
        self._forget_asked(nodes)
        view = await self._look(plan.group)
        if view is None:
            return
        held = [node for node in nodes if scale.is_held(view.workload, _ordinal(node))]
        if not held:
            return
        rest = scale.rest_with(view.workload, {_ordinal(node) for node in held})
        if rest is None:
            raise Unsupported(
                f"a StatefulSet cannot run {' and '.join(held)} without the nodes between; start those too"
            )
        await self._scale(view.workload, rest)

    async def _scale(self, workload: Json, ordinals: range, *, dry_run: bool = False) -> None:
        """Have a StatefulSet of ours run these pods; raise `Unsupported` if the cluster is too old for it."""
        if scale.scaled(workload) == ordinals:
            return
        path = sets_path(self._api.access.namespace, name_of(workload))
        params = {"fieldManager": FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})}
        found = await self._api.change("PATCH", path, scale.patch_of(ordinals), params, kind=MERGE)
        if scale.scaled(found) != ordinals:
            raise Unsupported(
                "this cluster cannot leave out the first pods of a StatefulSet: that takes Kubernetes 1.27; "
                f"stop the last one, or restart or kill {name_of(workload)}-{ordinals.start - 1}"
            )

    # The whole group

    async def provision(self, image: str, server_binary: Path | None, progress: Progress) -> None:
        """Do nothing: the cluster's machines get images by themselves."""

    async def place(self, group: str, image: str, folder: Path) -> Placement:
        return self.placement

    async def check_owned(self, group: str) -> None:
        workload = await self._objects.find("StatefulSet", group)
        if workload is not None and not is_ours(workload):
            access = self._api.access
            raise NameConflict(
                f"stanlocal did not make the StatefulSet '{group}' (context '{access.context}', namespace "
                f"'{access.namespace}') and leaves it as it is; choose another --group",
                group,
            )

    async def prepare(self, plan: GroupPlan) -> None:
        """Apply the objects of the plan, whose secrets go into a Secret; the StatefulSet makes the pods."""
        access = self._api.access
        before = await self._objects.find("StatefulSet", plan.group)
        objects = self._writer.objects(plan, access.namespace, _claim_of(before))
        await self._objects.check(objects)
        for each in objects:
            made = copy.deepcopy(each)
            if made["kind"] == "StatefulSet":
                await self._adapt(made, plan, before)
            await self._objects.apply(plan.group, [made])

    async def _adapt(self, made: Json, plan: GroupPlan, before: Json | None) -> None:
        """Note the group's nodes and settings in the StatefulSet, and end what holds nodes back."""
        kept = {"streaming": redacted(plan.streaming), "nats": redacted(plan.nats)}
        made["metadata"]["annotations"] = {
            scale.NODES: str(len(plan.nodes)),
            SETTINGS: json.dumps(kept, sort_keys=True),
        }
        if path_of(before, "spec", "ordinals") is not None:
            made["spec"]["ordinals"] = {"start": 0}
        secret = await self._objects.find("Secret", f"{plan.group}-secrets")
        if secret is not None:
            version = path_of(secret, "metadata", "resourceVersion")
            made["spec"]["template"]["metadata"]["annotations"][_SECRETS_VERSION] = str(version)

    async def clean(self, group: str, nodes: Sequence[str] = ()) -> None:
        workload = await self._objects.find("StatefulSet", group)
        await self._objects.remove(await self._objects.owned(group, node_objects()))
        if workload is not None and is_ours(workload):
            await self._until_gone(workload)

    async def _until_gone(self, workload: Json) -> None:
        """Wait until no pod of the StatefulSet is left."""
        query = {"labelSelector": selector_of(workload)}
        feed = Feed(self._api, self._folder, query, lambda pod: bool(members([pod], workload)))
        left = set(await feed.list())
        try:
            async with asyncio.timeout(_GONE_S), aclosing(feed.changes()) as changes:
                while left:
                    name, _, pod = await anext(changes)
                    left = left - {name} if pod is None else left | {name}
        except TimeoutError:
            raise EngineError(
                f"{', '.join(sorted(left))} is still there after {_GONE_S:g} s, although it was deleted; see "
                f"'kubectl get pods -n {self._api.access.namespace}', then repeat it"
            ) from None

    async def remove(self, node: str) -> None:
        raise Unsupported("a StatefulSet has its nodes as a whole; bring the group up with fewer '--nodes'")

    # The store

    async def store_parts(self, group: str) -> frozenset[str]:
        """Name the claim that the group uses, whoever made it, and what stanlocal made for its store."""
        used = _claim_of(await self._objects.find("StatefulSet", group))
        owned = await self._objects.owned(group, STORE)
        return frozenset([*(map(_part, owned)), *([f"claim {used}"] if used else [])])

    async def discard_store(self, group: str, keep: frozenset[str] = frozenset()) -> None:
        owned = await self._objects.owned(group, STORE)
        await self._objects.remove([each for each in owned if _part(each) not in keep])


def _ordinal(node: str) -> int:
    index = index_of({"metadata": {"name": node}}, node.rpartition("-")[0])
    return -1 if index is None else index


def _claim_of(workload: Json | None) -> str | None:
    """Return the name of the claim that the pods' store is on; None if there is none."""
    for volume in path_of(workload, "spec", "template", "spec", "volumes") or ():
        if claim := path_of(volume, "persistentVolumeClaim", "claimName"):
            return str(claim)
    return None


def _part(thing: Json) -> str:
    kinds = {"PersistentVolumeClaim": "claim", "PersistentVolume": "volume", "StorageClass": "class"}
    return f"{kinds[thing['kind']]} {name_of(thing)}"
