"""FT groups on a Kubernetes cluster: every StatefulSet of one namespace that runs nats-streaming in FT mode.

Whoever deployed a group, the engine looks at it without any permission to write: states come from the API's
objects, the logs and, through the API server's proxy, the monitors. A node is a pod; its run is that of the
container with the server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

from stanlocal.engine.base import EngineInfo
from stanlocal.engine.forwarding import Forwarding
from stanlocal.engine.kubernetes import pods
from stanlocal.engine.kubernetes.answers import Json
from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.changing import Changing, Writer
from stanlocal.engine.kubernetes.cutting import Cuts, Cutting
from stanlocal.engine.kubernetes.errors import Missing, Refused
from stanlocal.engine.kubernetes.event_stream import EventStream
from stanlocal.engine.kubernetes.fault_guard import FaultGuard
from stanlocal.engine.kubernetes.group_objects import GroupObjects
from stanlocal.engine.kubernetes.log_stream import UNREAD_S, follow
from stanlocal.engine.kubernetes.monitor_route import ProxiedMonitor
from stanlocal.engine.kubernetes.object_reader import read_objects
from stanlocal.engine.kubernetes.objects import Objects
from stanlocal.engine.kubernetes.output import read_line, since_parameter
from stanlocal.engine.kubernetes.pod_feed import Feed
from stanlocal.engine.kubernetes.pod_life import TERMINATED
from stanlocal.engine.kubernetes.refusals import LACKS, Refusals
from stanlocal.engine.kubernetes.scale import is_held
from stanlocal.engine.kubernetes.workload import Reader, View, Workloads, pods_path
from stanlocal.errors import EngineError, EngineUnavailable, NodeNotFound, NodeUnreachable
from stanlocal.model.instance import EngineEvent, Exit, Instance, RawLine
from stanlocal.model.plan import GroupPlan, NodePlan

_RECENT_S = 0.5
"""Age of a look at the objects that one at the logs may still use: both belong to one look at the group."""
_CONFIRM_S = 1.0
"""Seconds for the answer of a server whose log's stream has ended."""
_ANSWER_BYTES = 64 << 10


class KubernetesEngine(Changing, Cutting, Refusals):
    """An `Engine` over one namespace of a cluster; see `stanlocal.engine.base.Engine` for the promises."""

    name = "kubernetes"
    retry_s = 1.0
    lacks = LACKS

    def __init__(self, api: Api, reader: Reader, writer: Writer, guard: FaultGuard) -> None:
        self._api = api
        self._reader = reader
        self._writer = writer
        self._guard = guard
        self._objects = Objects(api)
        self._cuts = Cuts(api)
        self._workloads = Workloads(api, reader)
        self._ended: dict[str, datetime] = {}
        """Ends that a log's stream has shown, by container, until the cluster knows of them."""
        self._streams: set[EventStream] = set()
        self._exits: dict[str, Exit] = {}
        self._asked: dict[str, datetime] = {}
        self._looks: dict[str, tuple[float, View | None]] = {}
        """The last look at each group, and its time."""

    @property
    def _namespace(self) -> str:
        return self._api.access.namespace

    # Information

    async def info(self) -> EngineInfo:
        found = await self._api.get("/version")
        access = self._api.access
        return EngineInfo(
            name=self.name,
            version=str(found.get("gitVersion") or "?"),
            address=f"{access.server} (context {access.context}, namespace {access.namespace})",
            architecture=str(found.get("platform") or "?").rpartition("/")[2],
            rootless=False,
            local=False,
        )

    async def groups(self) -> Sequence[str]:
        return await self._workloads.names()

    async def objects(self, group: str) -> GroupObjects | None:
        """Return the objects of a StatefulSet as far as the caller may see them; None if there is none."""
        return await read_objects(self._api, self._workloads, group)

    async def kept_plan(self, group: str) -> GroupPlan | None:
        found = await self._workloads.deployment(group)
        return None if found is None else found.plan

    async def instances(self, group: str) -> Sequence[Instance]:
        for stream in list(self._streams):
            await stream.begun.wait()  # else what changes after this look and before its first one is missed
        view = await self._look(group)
        return [] if view is None else self._instances(view)

    def _instances(self, view: View) -> list[Instance]:
        plan, container = view.deployment.plan, view.deployment.container
        known = {node.name: node for node in plan.nodes}
        named = list(view.names())
        nodes = tuple(known.get(name) or _further(plan, index, name) for index, name in named)
        plan = replace(plan, nodes=nodes)
        found = (
            pods.instance(
                plan, name, index, view.pods.get(name), container, view.away(name), view.cut.extent(name)
            )
            for index, name in named
        )
        return [self._known(instance, view, container) for instance in found]

    def _known(self, instance: Instance, view: View, container: str) -> Instance:
        """Return the node as it is known here: a stream may have shown an end before the cluster does."""
        pod = view.pods.get(instance.name)
        if pod is None and is_held(view.workload, instance.index):
            return replace(instance, status="exited", held=True)
        if pod is None or not instance.running:
            return instance
        ended = self._ended.get(pods.run_of(pod, container).container_id)
        return instance if ended is None else replace(instance, status="exited", finished_at=ended)

    def container_of_port(self, port: int) -> str | None:
        return None

    def monitor(self, plan: GroupPlan, node: NodePlan) -> ProxiedMonitor:
        path = pods_path(self._namespace, node.name)
        return ProxiedMonitor(self._api, path, node.listen.monitor, plan.monitor_tls, plan.monitor_url(node))

    def forwarding(self, plan: GroupPlan, ports: Mapping[str, int]) -> Forwarding | None:
        from stanlocal.engine.kubernetes.forward.ports import ports_of

        return ports_of(plan, ports, self._api.access, self._reader)

    def events(self, group: str) -> AsyncIterator[EngineEvent]:
        stream = EventStream(self._api, self._workloads, group, self._ended)
        self._streams.add(stream)
        stream.task.add_done_callback(lambda _: self._streams.discard(stream))
        return stream.read()

    async def close(self) -> None:
        for stream in list(self._streams):
            await stream.close()
        await self._api.close()

    # Output

    async def output(self, node: str, *, since: datetime | None = None) -> AsyncGenerator[Sequence[RawLine]]:
        if (found := await self._readable(node)) is None:
            return
        pod, container = found
        run = pods.run_of(pod, container)
        wanted = {} if since is None else {"sinceTime": since_parameter(since)}
        if run.running and pods.has_run_before(pod, container):
            try:
                async for batch in self._log(pod, container, {**wanted, "previous": "true"}, since):
                    yield batch
            except Refused:  # the machine has removed it meanwhile
                pass
        if run.status != "created":
            async for batch in self._log(pod, container, wanted, since):
                yield batch

    async def tail(self, node: str, count: int) -> Sequence[RawLine]:
        if (found := await self._readable(node)) is None:
            return ()
        pod, container = found
        if pods.run_of(pod, container).status == "created":
            return ()
        wanted = {"tailLines": str(count)}
        return [line async for batch in self._log(pod, container, wanted, None) for line in batch]

    async def _readable(self, node: str) -> tuple[Json, str] | None:
        """Return the node's pod and container; None for a node that has no pod now.

        Raises `NodeUnreachable` if its machine counts as lost.
        """
        try:
            pod, container, away = await self._pod(node, fresh=False)
        except NodeNotFound:
            await self._found(node)
            return None
        if away is not None:
            raise NodeUnreachable(away)
        return pod, container

    async def _log(
        self, pod: Json, container: str, params: Mapping[str, str], since: datetime | None
    ) -> AsyncGenerator[Sequence[RawLine]]:
        """Yield a log's lines that are not older than `since`, which the API rounds down to seconds."""
        path = _log_path(self._namespace, pods.name_of(pod))
        wanted = {"container": container, "timestamps": "true", **params}
        try:
            async with self._api.lines(path, wanted, patience_s=UNREAD_S) as chunks:
                async for chunk in chunks:
                    read = [found[1] for raw in chunk if (found := read_line(raw)) is not None]
                    if lines := [line for line in read if since is None or line.time >= since]:
                        yield lines
        except Missing:
            raise NodeNotFound(f"{pods.name_of(pod)} is gone; see 'stanlocal status'") from None
        except EngineUnavailable as error:
            raise await self._blamed(pod, error) from error

    async def _blamed(self, pod: Json, error: EngineUnavailable) -> EngineError:
        """Return the error that fits: the API server may answer while the pod's machine does not."""
        try:
            await self._api.read("/version")
        except EngineUnavailable:
            return error
        machine = pods.path_of(pod, "spec", "nodeName")
        return NodeUnreachable(f"the machine {machine} does not answer ({error})")

    async def attach(self, node: str) -> AsyncGenerator[Sequence[RawLine]]:
        pod, container, away = await self._pod(node)
        run = pods.run_of(pod, container)
        while not run.running or run.container_id in self._ended:
            pod = await self._change(node, pod)
            run = pods.run_of(pod, container)
        if away is not None:
            raise NodeUnreachable(away)
        own = run.container_id

        async def goes_on() -> bool:
            if await self._still_runs(node, container, own):
                return True
            self._note_end(node, own)
            return False

        try:
            async with aclosing(
                follow(self._api, _log_path(self._namespace, node), container, goes_on)
            ) as found:
                async for batch in found:
                    yield batch
        except Missing:
            raise NodeNotFound(f"{node} is gone; see 'stanlocal status'") from None
        except EngineUnavailable as error:
            raise await self._blamed(pod, error) from error

    def _note_end(self, node: str, container_id: str) -> None:
        """Note an end that the cluster does not know of yet: a standby may take over before it does."""
        if container_id not in self._ended:
            self._ended[container_id] = datetime.now(UTC)
            for stream in self._streams:
                stream.tell(EngineEvent(self._ended[container_id], node, "die"))

    async def _still_runs(self, node: str, container: str, own: str) -> bool:
        """Whether a run goes on although its log's stream has ended: only a closed port shows the end."""
        view = await self._look(node.rpartition("-")[0])
        pod = None if view is None else view.pods.get(node)
        if view is None or pod is None:
            return False
        run = pods.run_of(pod, container)
        if not run.running or run.container_id != own:
            return False
        plan = next(each.plan for each in self._instances(view) if each.name == node)
        try:
            async with asyncio.timeout(_CONFIRM_S):
                await self.monitor(plan, plan.node(node)).get("/", _ANSWER_BYTES)
        except ConnectionError:
            return False
        except (PermissionError, TimeoutError, ValueError):
            return True
        return True

    async def _pod(self, node: str, *, fresh: bool = True) -> tuple[Json, str, str | None]:
        """Return the node's pod, its server's container, and why its machine counts as lost, if so."""
        group, _, index = node.rpartition("-")
        at, view = self._looks.get(group, (0.0, None))
        if fresh or time.monotonic() - at > _RECENT_S:
            view = await self._look(group) if index.isdecimal() else None
        if view is None or node not in view.pods:
            raise NodeNotFound(f"no pod {node} in namespace {self._namespace}; see 'stanlocal status'")
        return view.pods[node], view.deployment.container, view.away(node)

    async def _look(self, group: str) -> View | None:
        view = await self._workloads.find(group)
        self._looks[group] = time.monotonic(), view
        return view

    async def _change(self, node: str, seen: Json) -> Json:
        """Return the node's pod once it is not as `seen`; raise `NodeNotFound` if it is gone."""
        uid = pods.uid_of(seen)
        query = {"fieldSelector": f"metadata.name={node}"}
        feed = Feed(self._api, pods_path(self._namespace), query, lambda pod: pods.uid_of(pod) == uid)
        pod = (await feed.list()).get(node)
        if pod is not None and pods.version_of(pod) == pods.version_of(seen):
            async with aclosing(feed.changes()) as changes:
                _, _, pod = await anext(changes)
        if pod is None:
            raise NodeNotFound(f"the pod {node} is gone; see 'stanlocal status'")
        return pod

    async def wait_exit(self, node: str) -> Exit:
        if (known := self._exits.pop(node, None)) is not None:
            return known
        view, index = await self._found(node)
        if node not in view.pods and is_held(view.workload, index):
            return Exit(TERMINATED, datetime.now(UTC))
        pod, container, _ = await self._pod(node, fresh=False)
        own = pods.run_of(pod, container)
        while True:
            run = pods.run_of(pod, container)
            if not run.running or run.container_id != own.container_id:
                ended = run.ended_before if run.running else run.finished_at
                return Exit(run.exit_code if run.exit_code is not None else 137, ended or datetime.now(UTC))
            try:
                pod = await self._change(node, pod)
            except NodeNotFound:
                return Exit(137, datetime.now(UTC))


def _log_path(namespace: str, node: str) -> str:
    return f"{pods_path(namespace, node)}/log"


def _further(plan: GroupPlan, index: int, name: str) -> NodePlan:
    """Return the plan of a node that is still there, though the group is to have fewer."""
    first = plan.nodes[0] if plan.nodes else NodePlan(name, index, 0, 0, name)
    host = None if first.host is None else first.host.replace(first.name, name, 1)
    return replace(
        first,
        name=name,
        index=index,
        route_host=first.route_host.replace(first.name, name, 1),
        host=host,
    )
