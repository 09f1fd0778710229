"""FT groups as containers.

Every container and network carries labels (`stanlocal.engine.docker.labels`), so that any later process can
take over the group with nothing but the engine. Objects without our labels, or with another user's, are
never touched.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing, suppress
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from stanlocal.engine.base import ABLE, EngineInfo, OwnNodes, Progress
from stanlocal.engine.docker.api import Api
from stanlocal.engine.docker.endpoint import CALL_TIMEOUT_S, Endpoint, sdk_client
from stanlocal.engine.docker.inspected import engine_info, instance
from stanlocal.engine.docker.labels import GROUP, NODE, Labels
from stanlocal.engine.docker.ping import Answer
from stanlocal.engine.docker.streams import AttachSource, Pump, WaitSource, parse_time, split_stamped
from stanlocal.engine.docker.transport import OpenAnswer, Transport, segment
from stanlocal.errors import (
    EngineError,
    EngineUnavailable,
    ImageNotFound,
    NameConflict,
    NodeNotFound,
    PortInUse,
)
from stanlocal.model.instance import EngineEvent, Exit, Instance, RawLine, batches
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan, Monitor, NodePlan
from stanlocal.util.tasks import run_to_end, together

if TYPE_CHECKING:
    import docker

    from stanlocal.engine.docker.changes import Changes

T = TypeVar("T")

CPU_PERIOD_US = 100_000
"""Period over which the kernel limits CPU time; the kernel's default."""


class DockerEngine(OwnNodes):
    """An `Engine` over one Docker Engine; the promises are those of `stanlocal.engine.base.Engine`."""

    name = "docker"
    placement = Placement(name)
    retry_s = 0.5
    lacks = ABLE

    def __init__(self, endpoint: Endpoint, answer: Answer) -> None:
        """Use the engine at an endpoint that has answered, as `endpoint.find` returns them."""
        self._endpoint = endpoint
        self._answer = answer
        self._transport = Transport(endpoint.target, answer.api_version, CALL_TIMEOUT_S)
        self._api = Api(self._transport, partial(sdk_client, endpoint, answer))
        self._labels = Labels(str(os.getuid()))
        self._pid = os.getpid()
        self._threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="stanlocal-docker")

    @cached_property
    def _changes(self) -> Changes:
        """Calls that make and change groups, loaded for the first call of it."""
        from stanlocal.engine.docker.changes import Changes

        return Changes(self._api, self._labels)

    @property
    def client(self) -> docker.DockerClient:
        """Client of the SDK, for work on images."""
        return self._api.client

    async def _in_thread(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a blocking call to its end, even if cancelled meanwhile."""
        if os.getpid() != self._pid:  # the threads and connections belong to the parent process
            raise EngineError("this process was forked since the group was opened; open the group again here")
        loop = asyncio.get_running_loop()
        return await run_to_end(loop.run_in_executor(self._threads, lambda: call(*args, **kwargs)))

    # Information

    async def info(self) -> EngineInfo:
        found, again = await asyncio.gather(self._in_thread(self._api.info), self._in_thread(self._api.info))
        return engine_info(found, again, self.name, self._endpoint.target.url)

    async def groups(self) -> Sequence[str]:
        filters = self._labels.filters()
        containers, networks = await asyncio.gather(
            self._in_thread(self._api.containers, filters),
            self._in_thread(self._api.networks, filters),
        )
        return sorted({thing["Labels"][GROUP] for thing in (*containers, *networks)})

    async def instances(self, group: str) -> Sequence[Instance]:
        filters = self._labels.filters(group)
        filters["label"].append(NODE)
        listed = await self._in_thread(self._api.containers, filters)
        found = await asyncio.gather(*(self._instance(container["Id"]) for container in listed))
        return sorted((node for node in found if node), key=lambda node: node.index)

    async def _instance(self, container_id: str) -> Instance | None:
        try:
            return instance(await self._in_thread(self._api.container, container_id))
        except NodeNotFound:  # removed since the list
            return None

    async def _container(self, node: str) -> Mapping[str, Any]:
        """Return the container's document; raise `NodeNotFound` if there is none or it is not ours."""
        found: Mapping[str, Any] = await self._in_thread(self._api.container, node)
        if not self._labels.are_ours(found["Config"]["Labels"]):
            raise NodeNotFound(f"container '{node}' was not made by stanlocal for you; see 'stanlocal list'")
        return found

    async def _state(self, node: str) -> Mapping[str, Any]:
        state: Mapping[str, Any] = (await self._container(node))["State"]
        return state

    async def kept_plan(self, group: str) -> GroupPlan | None:
        return None

    def monitor(self, plan: GroupPlan, node: NodePlan) -> Monitor:
        return plan.monitor(node)

    def container_of_port(self, port: int) -> str | None:
        """Return the name of the container, anyone's, that publishes the host port."""
        for container in self._api.containers({}, ended=False):
            if any(published.get("PublicPort") == port for published in container["Ports"]):
                return str(container["Names"][0]).removeprefix("/")
        return None

    # Making and removing

    async def provision(self, image: str, server_binary: Path | None, progress: Progress) -> None:
        try:
            await self._in_thread(self._api.image, image)
        except ImageNotFound:
            from stanlocal.engine.artifacts.image import ensure_image

            await ensure_image(self.client, image, server_binary=server_binary, progress=progress)

    async def provision_proxy(self, progress: Progress) -> None:
        from stanlocal.engine.artifacts.proxy_image import ensure_proxy_image

        await ensure_proxy_image(self.client, progress)

    async def place(self, group: str, image: str, folder: Path) -> Placement:
        address = self._endpoint.target.url
        return await self._in_thread(self._changes.place, group, image, folder, self.placement, address)

    async def check_start(self, group: str, image: str) -> None:
        """Raise `EngineError` unless a throw-away container of the image can be started."""
        await self._in_thread(self._changes.check_start, group, image)

    async def check_lock(self, plan: GroupPlan) -> None:
        await self._in_thread(self._changes.check_lock, plan)

    async def prepare(self, plan: GroupPlan) -> None:
        works = [
            self._network(plan, plan.client_network, internal=False),
            self._network(plan, plan.cluster_network, internal=True),
        ]
        if plan.store_volume is not None:
            works.append(self._in_thread(self._changes.make_volumes, plan))
        if not plan.proxied:  # at most one of before is removed, which needs no network
            works.append(self._in_thread(self._changes.make_proxy, plan))
        await together(*works)
        if plan.proxied:
            await self._in_thread(self._changes.make_proxy, plan)

    async def _network(self, plan: GroupPlan, name: str, *, internal: bool) -> None:
        try:
            await self._in_thread(self._changes.make_network, plan, name, internal=internal)
        except NameConflict:
            found = await self._in_thread(self._api.network, name)
            if not self._labels.are_ours(found["Labels"]) or found["Labels"][GROUP] != plan.group:
                raise

    async def create(self, plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
        try:
            await self._in_thread(self._changes.make_node, plan, node, fingerprint)
        except NameConflict as conflict:
            found = await self._in_thread(self._api.container, node.name)
            raise NameConflict(
                f"container '{node.name}' ({found['Config']['Image']}) was not made by stanlocal for group "
                f"'{plan.group}'; rename or remove it, or choose another group with '--group'",
                node.name,
            ) from conflict

    async def remove(self, node: str) -> None:
        with suppress(NodeNotFound):
            await self._in_thread(self._changes.remove, await self._container(node))

    async def clean(self, group: str, nodes: Sequence[str] = ()) -> None:
        filters = self._labels.filters(group)
        await self._in_thread(self._changes.remove_helpers, group)
        networks = [found["Id"] for found in await self._in_thread(self._api.networks, filters)]
        if nodes:
            # A network is free once the nodes on it have ended; Podman's only once they are removed.
            free = (self._remove_if_free(network, networks) for network in tuple(networks))
            await together(*free, *(self.remove(node) for node in nodes))
        await together(*(self._remove_network(network) for network in networks))

    async def _remove_if_free(self, network_id: str, left: list[str]) -> None:
        """Remove a network and take it from `left`, unless the engine refuses."""
        with suppress(EngineError):
            await self._remove_network(network_id)
            left.remove(network_id)

    async def _remove_network(self, network_id: str) -> None:
        with suppress(NodeNotFound):
            await self._in_thread(self._api.remove_network, network_id)

    # Acting on a node

    async def start(self, plan: GroupPlan, node: str) -> None:
        try:
            if plan.conf_volume is not None:
                await self._in_thread(self._changes.put_conf, plan, node)
            await self._in_thread(self._api.start, node)
        except PortInUse as taken:
            raise PortInUse(f"port {taken.port} for {node} is taken; free it", taken.port) from taken

    async def signal(self, node: str, signal: str) -> None:
        state = await self._state(node)
        if state["Running"]:
            try:
                await self._in_thread(self._api.kill, node, signal)
            except EngineError:
                if (await self._state(node))["Running"]:  # else it ended meanwhile
                    raise

    async def stop(self, node: str, grace_s: float) -> None:
        await self._state(node)
        await self._in_thread(self._api.stop, node, max(0, round(grace_s)))

    async def wait_exit(self, node: str) -> Exit:
        await self._state(node)
        source = WaitSource(await self._ask("POST", f"/containers/{segment(node)}/wait"))
        async with aclosing(Pump(f"stanlocal-wait-{node}", source).items()) as codes:
            code = await anext(codes)
        return Exit(code, parse_time((await self._state(node))["FinishedAt"]))

    async def pause(self, node: str) -> None:
        if not (await self._state(node))["Paused"]:
            await self._in_thread(self._api.pause, node)

    async def unpause(self, node: str) -> None:
        if (await self._state(node))["Paused"]:
            await self._in_thread(self._api.unpause, node)
        await self.signal(node, "SIGCONT")  # a signal from outside may have frozen it, too

    async def disconnect_routes(self, plan: GroupPlan, node: str) -> None:
        await self._in_thread(self._changes.cut_routes, plan, node)

    async def isolate(self, plan: GroupPlan, node: str) -> None:
        await self._in_thread(self._changes.isolate, plan, node)

    async def rejoin(self, plan: GroupPlan, node: str) -> None:
        await self._in_thread(self._changes.rejoin, plan, node)

    async def fill_store(self, plan: GroupPlan) -> None:
        await self._in_thread(self._changes.fill_store, plan)

    async def free_store(self, plan: GroupPlan) -> None:
        await self._in_thread(self._changes.free_store, plan)

    async def store_parts(self, group: str) -> frozenset[str]:
        return await self._in_thread(self._changes.store_parts, group)

    async def discard_store(self, group: str, keep: frozenset[str] = frozenset()) -> None:
        await self._in_thread(self._changes.discard_store, group, keep)

    async def control_proxy(self, plan: GroupPlan, arguments: Sequence[str]) -> str:
        return await self._in_thread(self._changes.control_proxy, plan.group, arguments)

    async def limit_cpu(self, node: str, cores: float) -> None:
        await self._state(node)
        quota = max(1000, round(cores * CPU_PERIOD_US))
        await self._in_thread(self._api.limit_cpu, node, CPU_PERIOD_US, quota)

    # Watching

    async def output(self, node: str, *, since: datetime | None = None) -> AsyncGenerator[Sequence[RawLine]]:
        with closing(batches(split_stamped(self._api.logs(node, since=since)))) as kept:
            while batch := await self._in_thread(next, kept, None):
                yield batch

    async def tail(self, node: str, count: int) -> Sequence[RawLine]:
        return await self._in_thread(self._tail, node, count)

    def _tail(self, node: str, count: int) -> list[RawLine]:
        return list(split_stamped(self._api.logs(node, tail=count)))

    async def attach(self, node: str) -> AsyncGenerator[Sequence[RawLine]]:
        path = f"/containers/{segment(node)}/attach"
        attached = await self._ask("POST", path, stream=1, stdout=1, stderr=1)
        async with aclosing(Pump(f"stanlocal-attach-{node}", AttachSource(attached)).items()) as batches:
            async for batch in batches:
                yield batch

    async def _ask(self, method: str, path: str, **params: str | int) -> OpenAnswer:
        """Send a request whose answer is a stream; return the answer with its body unread."""
        answers: list[OpenAnswer] = []
        try:
            await self._in_thread(lambda: answers.append(self._transport.stream(method, path, params)))
        except asyncio.CancelledError:
            for unread in answers:
                unread.close()
            raise
        return answers[0]

    def events(self, group: str) -> AsyncGenerator[EngineEvent]:
        return self._events(group, since=f"{time.time():.6f}")

    async def _events(self, group: str, since: str) -> AsyncGenerator[EngineEvent]:
        from stanlocal.engine.docker.events import PARAMETERS, EventSource

        answer = await self._ask("GET", "/events", since=since, **PARAMETERS)
        source = EventSource(answer, self._api, self._labels.of_group(group), NODE)
        async with aclosing(Pump(f"stanlocal-events-{group}", source).items()) as found:
            async for event in found:
                yield event
        raise EngineUnavailable("the engine has ended its events; see 'stanlocal doctor'")

    async def close(self) -> None:
        self._threads.shutdown(wait=False)
        self._api.close()
