"""FT groups as containers, through the Docker SDK.

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
from pathlib import Path
from typing import Any, TypeVar

import docker
import docker.errors
from requests.exceptions import HTTPError

from stanlocal.engine.base import EngineInfo, Progress
from stanlocal.engine.docker import events, lock_trial, networks, proxy, throwaway, volumes
from stanlocal.engine.docker.containers import make
from stanlocal.engine.docker.errors import FOREIGN, translate, translated
from stanlocal.engine.docker.inspected import engine_info, instance
from stanlocal.engine.docker.labels import FINGERPRINT, GROUP, NODE, Labels
from stanlocal.engine.docker.placement_trial import Trial, check_start, place
from stanlocal.engine.docker.streams import AttachSource, Pump, WaitSource, parse_time, split_stamped
from stanlocal.errors import EngineError, EngineUnavailable, NameConflict, NodeNotFound, PortInUse
from stanlocal.model.instance import EngineEvent, Exit, Instance, RawLine
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.render.container_spec import container
from stanlocal.util.tasks import run_to_end, together

T = TypeVar("T")

CPU_PERIOD_US = 100_000
"""Period over which the kernel limits CPU time; the kernel's default."""


class DockerEngine:
    """An `Engine` over one Docker Engine; the promises are those of `stanlocal.engine.base.Engine`."""

    name = "docker"
    placement = Placement(name)
    retry_s = 0.5

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        self._api = client.api
        self._labels = Labels(str(os.getuid()))
        self._pid = os.getpid()
        self._calls = ThreadPoolExecutor(max_workers=16, thread_name_prefix="stanlocal-docker")

    @property
    def client(self) -> docker.DockerClient:
        """Client of the SDK, for work on images."""
        return self._client

    async def _call(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a blocking call to its end, even if cancelled meanwhile."""
        if os.getpid() != self._pid:  # the threads and connections belong to the parent process
            raise EngineError("this process was forked since the group was opened; open the group again here")
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._calls, lambda: call(*args, **kwargs))
        try:
            return await run_to_end(future)
        except FOREIGN as error:
            raise translate(error) from error

    # Information

    @property
    def _address(self) -> str:
        socket = getattr(self._api.get_adapter(self._api.base_url), "socket_path", None)
        return f"unix://{socket}" if socket else str(self._api.base_url)

    async def info(self) -> EngineInfo:
        found, again = await asyncio.gather(self._call(self._api.info), self._call(self._api.info))
        return engine_info(found, again, self.name, self._address)

    async def groups(self) -> Sequence[str]:
        filters = self._labels.filters()
        containers, networks = await asyncio.gather(
            self._call(self._api.containers, all=True, filters=filters),
            self._call(self._api.networks, filters=filters),
        )
        return sorted({thing["Labels"][GROUP] for thing in (*containers, *networks)})

    async def instances(self, group: str) -> Sequence[Instance]:
        filters = self._labels.filters(group)
        filters["label"].append(NODE)
        listed = await self._call(self._api.containers, all=True, filters=filters)
        found = await asyncio.gather(*(self._instance(container["Id"]) for container in listed))
        return sorted((node for node in found if node), key=lambda node: node.index)

    async def _instance(self, container_id: str) -> Instance | None:
        try:
            return instance(await self._call(self._api.inspect_container, container_id))
        except NodeNotFound:  # removed since the list
            return None

    async def _state(self, node: str) -> Mapping[str, Any]:
        """Return the container's state; raise `NodeNotFound` if there is none or it is not ours."""
        found = await self._call(self._api.inspect_container, node)
        if not self._labels.are_ours(found["Config"]["Labels"]):
            raise NodeNotFound(f"container '{node}' was not made by stanlocal for you; see 'stanlocal list'")
        state: Mapping[str, Any] = found["State"]
        return state

    def container_of_port(self, port: int) -> str | None:
        """Return the name of the container, anyone's, that publishes the host port."""
        with translated():
            for container in self._api.containers():
                if any(published.get("PublicPort") == port for published in container["Ports"]):
                    return str(container["Names"][0]).removeprefix("/")
        return None

    # Making and removing

    async def provision(self, image: str, server_binary: Path | None, progress: Progress) -> None:
        from stanlocal.engine.artifacts.image import ensure_image

        await ensure_image(self._client, image, server_binary=server_binary, progress=progress)

    async def provision_proxy(self, progress: Progress) -> None:
        from stanlocal.engine.artifacts.proxy_image import ensure_proxy_image

        await ensure_proxy_image(self._client, progress)

    async def place(self, group: str, image: str, folder: Path) -> Placement:
        trial = Trial(group, image, folder, self._labels.of_group(group))
        return await self._call(place, self._api, trial, self.placement, self._address)

    async def check_start(self, group: str, image: str) -> None:
        """Raise `EngineError` unless a throw-away container of the image can be started."""
        trial = Trial(group, image, Path(), self._labels.of_group(group), role="start")
        await self._call(check_start, self._api, trial)

    async def check_lock(self, plan: GroupPlan) -> None:
        await self._call(lock_trial.check, self._api, plan, self._labels.of_group(plan.group))

    async def prepare(self, plan: GroupPlan) -> None:
        await together(
            self._network(plan, plan.client_network, internal=False),
            self._network(plan, plan.cluster_network, internal=True),
        )
        if plan.store_volume is not None:
            await self._call(volumes.ensure, self._api, plan, self._labels.of_group(plan.group))
        await self._call(proxy.ensure, self._api, plan, self._labels.of_group(plan.group), FINGERPRINT)

    async def _network(self, plan: GroupPlan, name: str, *, internal: bool) -> None:
        labels = self._labels.of_group(plan.group)
        try:
            await self._call(
                self._api.create_network,
                name,
                driver="bridge",
                internal=internal,
                labels=labels,
                check_duplicate=True,
            )
        except NameConflict:
            found = await self._call(self._api.inspect_network, name)
            if not self._labels.are_ours(found["Labels"]) or found["Labels"][GROUP] != plan.group:
                raise

    async def create(self, plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
        try:
            await self._call(self._create, plan, node, fingerprint)
        except NameConflict as conflict:
            found = await self._call(self._api.inspect_container, node.name)
            raise NameConflict(
                f"container '{node.name}' ({found['Config']['Image']}) was not made by stanlocal for group "
                f"'{plan.group}'; rename or remove it, or choose another group with '--group'",
                node.name,
            ) from conflict

    def _create(self, plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
        make(self._api, container(plan, node), self._labels.of_node(plan, node, fingerprint))

    async def remove(self, node: str) -> None:
        with suppress(NodeNotFound):
            await self._state(node)
            await self._call(self._api.remove_container, node, force=True)

    async def clean(self, group: str) -> None:
        await self._call(throwaway.remove_left, self._api, group, self._labels.filters(group))
        await self._call(proxy.discard, self._api, group, self._labels.of_group(group))
        networks = await self._call(self._api.networks, filters=self._labels.filters(group))
        await together(*(self._remove_network(network["Id"]) for network in networks))

    async def _remove_network(self, network_id: str) -> None:
        with suppress(NodeNotFound):
            await self._call(self._api.remove_network, network_id)

    # Acting on a node

    async def start(self, plan: GroupPlan, node: str) -> None:
        try:
            if plan.conf_volume is not None:
                await self._call(volumes.put_conf, self._api, plan, plan.node(node))
            await self._call(self._api.start, node)
        except PortInUse as taken:
            raise PortInUse(f"port {taken.port} for {node} is taken; free it", taken.port) from taken

    async def signal(self, node: str, signal: str) -> None:
        state = await self._state(node)
        if state["Running"]:
            try:
                await self._call(self._api.kill, node, signal)
            except EngineError:
                if (await self._state(node))["Running"]:  # else it ended meanwhile
                    raise

    async def stop(self, node: str, grace_s: float) -> None:
        await self._state(node)
        await self._call(self._api.stop, node, timeout=max(0, round(grace_s)))

    async def wait_exit(self, node: str) -> Exit:
        await self._state(node)
        source = WaitSource(await self._ask("POST", f"containers/{node}/wait"))
        async with aclosing(Pump(f"stanlocal-wait-{node}", source).items()) as codes:
            code = await anext(codes)
        return Exit(code, parse_time((await self._state(node))["FinishedAt"]))

    async def pause(self, node: str) -> None:
        if not (await self._state(node))["Paused"]:
            await self._call(self._api.pause, node)

    async def unpause(self, node: str) -> None:
        if (await self._state(node))["Paused"]:
            await self._call(self._api.unpause, node)

    async def disconnect_routes(self, plan: GroupPlan, node: str) -> None:
        await self._call(networks.cut_routes, self._api, plan, node)

    async def isolate(self, plan: GroupPlan, node: str) -> None:
        await self._call(networks.isolate, self._api, plan, node)

    async def rejoin(self, plan: GroupPlan, node: str) -> None:
        await self._call(networks.rejoin, self._api, plan, node)

    async def fill_store(self, plan: GroupPlan) -> None:
        await self._call(volumes.fill, self._api, plan)

    async def free_store(self, plan: GroupPlan) -> None:
        await self._call(volumes.free, self._api, plan)

    async def store_parts(self, group: str) -> frozenset[str]:
        return await self._call(volumes.parts, self._api, group, self._labels.filters(group))

    async def discard_store(self, group: str, keep: frozenset[str] = frozenset()) -> None:
        await self._call(volumes.discard, self._api, group, self._labels.filters(group), keep)

    async def control_proxy(self, plan: GroupPlan, arguments: Sequence[str]) -> str:
        labels = self._labels.of_group(plan.group)
        return await self._call(proxy.control, self._api, plan.group, labels, arguments)

    async def limit_cpu(self, node: str, cores: float) -> None:
        await self._state(node)
        quota = max(1000, round(cores * CPU_PERIOD_US))
        await self._call(self._api.update_container, node, cpu_period=CPU_PERIOD_US, cpu_quota=quota)

    # Watching

    async def output(
        self, node: str, *, since: datetime | None = None, tail: int | None = None
    ) -> Sequence[RawLine]:
        return await self._call(self._output, node, since, tail)

    def _output(self, node: str, since: datetime | None, tail: int | None) -> list[RawLine]:
        output: bytes = self._api.logs(
            node,
            timestamps=True,
            since=since.timestamp() if since else None,
            tail="all" if tail is None else tail,
        )
        return split_stamped(output)

    async def attach(self, node: str) -> AsyncGenerator[Sequence[RawLine]]:
        attached = await self._ask("POST", f"containers/{node}/attach", stream=1, stdout=1, stderr=1)
        async with aclosing(Pump(f"stanlocal-attach-{node}", AttachSource(attached)).items()) as batches:
            async for batch in batches:
                yield batch

    async def _ask(self, method: str, path: str, **params: str | int) -> Any:
        """Send a request whose answer is a stream; return the answer with its body unread."""
        url = f"{self._api.base_url}/v{self._api.api_version}/{path}"
        answers: list[Any] = []

        def ask() -> None:
            timeout = (self._api.timeout, None)
            answers.append(self._api.request(method, url, params=params, stream=True, timeout=timeout))

        try:
            await self._call(ask)
        except asyncio.CancelledError:
            for unread in answers:
                unread.close()
            raise
        (response,) = answers
        if response.status_code >= 400:
            with closing(response), translated():
                docker.errors.create_api_error_from_http_exception(HTTPError(response=response))
        return response

    def events(self, group: str) -> AsyncGenerator[EngineEvent]:
        return self._events(group, since=f"{time.time():.6f}")

    async def _events(self, group: str, since: str) -> AsyncGenerator[EngineEvent]:
        answer = await self._ask("GET", "events", since=since, **events.PARAMETERS)
        source = events.EventSource(answer, self._api, self._labels.of_group(group), NODE)
        async with aclosing(Pump(f"stanlocal-events-{group}", source).items()) as found:
            async for event in found:
                yield event
        raise EngineUnavailable("the engine has ended its events; see 'stanlocal doctor'")

    async def close(self) -> None:
        self._calls.shutdown(wait=False)
        self._client.close()
