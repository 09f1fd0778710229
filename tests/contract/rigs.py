"""Engines under the contract's tests, each with the environment that a test needs.

A further engine is one more subclass of `Rig` and one more line in `RIGS`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    contextmanager,
)
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast, get_args

import pytest

from stanlocal.engine.base import Ability, Engine
from stanlocal.group.home import GroupHome
from stanlocal.lifecycle.engine_choice import kubernetes_engine
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import CLIENT_PORT, MONITOR_PORT, STORE_DIR, GroupPlan, fingerprint
from stanlocal.render.stan_conf import render
from stanlocal.settings import load
from stanlocal.store.guard.claim import claim
from stanlocal.testing.fake.engine import FakeEngine
from stanlocal.testing.fake.machine import FakeMachine
from tests.kubernetes.volumes import make_claim
from tests.support.fake_cluster import FakeCluster
from tests.support.output import output_of
from tests.support.ports import free_ports

if TYPE_CHECKING:
    import docker

    from stanlocal.engine.docker.engine import DockerEngine
    from tests.kubernetes.cluster.running import Cluster


T = TypeVar("T")


def stream(items: AsyncIterator[T]) -> AbstractAsyncContextManager[AsyncIterator[T]]:
    """Close an engine's stream at the end of the `with` block."""
    return aclosing(cast("AsyncGenerator[T]", items))


class Rig(ABC):
    """An engine, with a unique name of a group and folders for it."""

    shares_names: ClassVar[bool] = True
    """Whether something foreign can have a name that is needed."""
    shares_users: ClassVar[bool] = True
    """Whether one engine serves several users."""
    failover_s: ClassVar[float] = 10.0
    """Seconds for a standby to take over."""
    image: str

    def __init__(self, request: pytest.FixtureRequest, folder: Path, group: str) -> None:
        self.folder = folder
        self.group = group
        self.engine = self.connect()

    def lacks(self, ability: str) -> str | None:
        """Why the engine cannot do what a test needs; None if it can.

        Abilities are those of `stanlocal.engine.base.Ability`, and `apart`: nodes are made one by one, and
        stay ended.
        """
        if ability == "apart":
            pods = self.engine.placement.in_cluster
            return "a StatefulSet makes its pods together, and each again when it ends" if pods else None
        assert ability in get_args(Ability)
        return self.engine.lacks.get(cast("Ability", ability))

    async def open(self) -> None:  # noqa: B027 - most engines need nothing
        """Prepare what has to run before the engine is asked."""

    @abstractmethod
    def connect(self) -> Engine:
        """Return the engine as another process of the same user would open it."""

    def connect_as_another_user(self) -> Engine:
        """Return the engine as another user would open it."""
        raise NotImplementedError

    @asynccontextmanager
    async def foreign_container(self, name: str) -> AsyncIterator[Callable[[], object]]:
        """Make a container that is not stanlocal's; yields a function that returns its identity."""
        raise NotImplementedError
        yield

    @asynccontextmanager
    async def foreign_network(self, name: str) -> AsyncIterator[Callable[[], object]]:
        """Make a network that is not stanlocal's; yields a function that returns its identity."""
        raise NotImplementedError
        yield

    @contextmanager
    def taken(self, port: int) -> Iterator[None]:
        """Something listens on the host port."""
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()
            yield

    # Groups

    def plan(self, nodes: int = 1) -> GroupPlan:
        """A group's plan; its store and configuration are there."""
        ports = free_ports(6 * nodes)
        home = GroupHome(self.folder / self.group)
        store = home.default_store
        settings = load({"group": self.group}, {}, None, self.folder, None)
        user = "65532:65532" if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}"
        claim(store, group=self.group, cluster_id="test-cluster", user=user)
        plan = plan_group(
            group=self.group,
            image=self.image,
            ports=list(zip(ports[:nodes], ports[nodes : 2 * nodes], strict=True)),
            store_dir=str(store),
            state_dir=str(home.folder),
            user=user,
            streaming=settings.streaming,
            nats=settings.nats,
            placement=self.engine.placement,
            route_ports=ports[2 * nodes : 3 * nodes],
            inner_ports=ports[3 * nodes :],
        )
        for node in plan.nodes:
            home.write_conf(plan, node, render(plan, node))
        return plan

    async def create(self, plan: GroupPlan, *names: str) -> None:
        """Makes these nodes of the group, all by default."""
        await self.engine.prepare(plan)
        for node in plan.nodes:
            if not names or node.name in names:
                await self.engine.create(plan, node, fingerprint(plan, node, ""))

    async def start(self, plan: GroupPlan) -> None:
        """Makes and starts all nodes; returns once each of them can be asked to stop."""
        await self.create(plan)
        for node in plan.nodes:
            await self.engine.start(plan, node.name)
        for node in plan.nodes:
            await self.seen(node.name, "Starting in standby mode")

    async def start_again(self, plan: GroupPlan, node: str) -> None:
        """Starts a node that has ended; returns once it can be asked to stop."""
        async with stream(self.engine.attach(node)) as batches:
            await anext(batches)
            await self.engine.start(plan, node)
            async for batch in batches:
                if any("Starting in standby mode" in line.text for line in batch):
                    return

    async def started(self, nodes: int = 1) -> GroupPlan:
        """A group whose nodes run."""
        plan = self.plan(nodes)
        await self.start(plan)
        return plan

    async def seen(self, node: str, text: str) -> str:
        """The first line of the node with this text, once it is there."""
        async with stream(self.engine.attach(node)) as batches:
            async for batch in batches:
                for line in batch or await output_of(self.engine, node):
                    if text in line.text:
                        return line.text
        raise AssertionError(f"{node} ended without {text!r}")

    async def close(self) -> None:
        """Removes what is left of the group."""
        left = [instance.name for instance in await self.engine.instances(self.group)]
        await self.engine.clean(self.group, left)
        await self.engine.close()


class FakeRig(Rig):
    image = "nats-streaming:0.25.6"

    def __init__(self, request: pytest.FixtureRequest, folder: Path, group: str) -> None:
        self.machine = FakeMachine()
        super().__init__(request, folder, group)

    def connect(self) -> Engine:
        return FakeEngine(self.machine)

    def connect_as_another_user(self) -> Engine:
        return FakeEngine(self.machine, owner="4711")

    @asynccontextmanager
    async def foreign_container(self, name: str) -> AsyncIterator[Callable[[], object]]:
        self.machine.foreign_container(name)
        yield lambda: self.machine.nodes.get(name)
        del self.machine.nodes[name]

    @asynccontextmanager
    async def foreign_network(self, name: str) -> AsyncIterator[Callable[[], object]]:
        self.machine.foreign_network(name)
        yield lambda: self.machine.networks.get(name)
        del self.machine.networks[name]

    @contextmanager
    def taken(self, port: int) -> Iterator[None]:
        self.machine.taken_ports.add(port)
        yield
        self.machine.taken_ports.remove(port)


class DockerRig(Rig):
    def __init__(self, request: pytest.FixtureRequest, folder: Path, group: str) -> None:
        self.client: docker.DockerClient = request.getfixturevalue("docker_client")
        self.image = request.getfixturevalue("server_image")
        self._monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        super().__init__(request, folder, group)

    def connect(self) -> DockerEngine:
        from stanlocal.engine.docker.endpoint import find
        from stanlocal.engine.docker.engine import DockerEngine

        return DockerEngine(*find(os.environ, Path.home()))

    def connect_as_another_user(self) -> Engine:
        with self._monkeypatch.context() as patch:
            patch.setattr(os, "getuid", lambda: 4711)
            return self.connect()

    @asynccontextmanager
    async def foreign_container(self, name: str) -> AsyncIterator[Callable[[], object]]:
        made = self.client.containers.create(self.image, name=name)
        try:
            yield lambda: self.client.containers.get(name).attrs
        finally:
            made.remove(force=True)

    @asynccontextmanager
    async def foreign_network(self, name: str) -> AsyncIterator[Callable[[], object]]:
        made = self.client.networks.create(name)
        try:
            yield lambda: self.client.networks.get(name).attrs
        finally:
            made.remove()


class ProcessRig(Rig):
    shares_names = False
    shares_users = False
    image = "nats-streaming:0.25.6"

    def __init__(self, request: pytest.FixtureRequest, folder: Path, group: str) -> None:
        self.binary: Path = request.getfixturevalue("server_binary")
        super().__init__(request, folder, group)

    def connect(self) -> Engine:
        from stanlocal.engine.process.engine import ProcessEngine

        return ProcessEngine(self.folder)

    async def create(self, plan: GroupPlan, *names: str) -> None:
        await self.engine.provision(plan.image, self.binary, lambda line: None)
        await super().create(plan, *names)

    async def start(self, plan: GroupPlan) -> None:
        """The server says that it stands by a moment before it heeds signals; containers are slower."""
        await super().start(plan)
        for instance in await self.engine.instances(self.group):
            async with asyncio.timeout(10):
                while instance.pid and not _heeds_signals(instance.pid):  # noqa: ASYNC110
                    await asyncio.sleep(0.002)


def _heeds_signals(pid: int) -> bool:
    """Whether the process handles all that a server handles; where that cannot be seen, it is believed to."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True
    caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), 16)
    handled = (signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGTERM)
    return all(caught & 1 << number - 1 for number in handled)


class ClusterRig(Rig):
    """The engine of a cluster, over one in memory."""

    shares_names = False
    shares_users = False
    image = "nats-streaming:0.25.6"

    def __init__(self, request: pytest.FixtureRequest, folder: Path, group: str) -> None:
        self.cluster = FakeCluster()
        self._running = AsyncExitStack()
        (self.cluster.port,) = free_ports(1)
        self.namespace = "default"
        self.kubeconfig = self.cluster.kubeconfig(folder)
        super().__init__(request, folder, group)

    async def open(self) -> None:
        await self._running.enter_async_context(self.cluster.serving())
        claim = {"metadata": {"name": f"{self.group}-store"}, "status": {"phase": "Bound"}}
        self.cluster.put("persistentvolumeclaims", self.namespace, claim)

    def connect(self) -> Engine:
        flags = {"engine": "kubernetes", "kubeconfig": str(self.kubeconfig), "namespace": self.namespace}
        return kubernetes_engine(load(flags, {}, None, self.folder))[0]

    def plan(self, nodes: int = 1) -> GroupPlan:
        settings = load({"group": self.group}, {}, None, self.folder)
        return plan_group(
            group=self.group,
            image=self.image,
            ports=[(CLIENT_PORT, MONITOR_PORT)] * nodes,
            store_dir=STORE_DIR,
            state_dir=str(self.folder / self.group),
            user="",
            streaming=settings.streaming,
            nats=settings.nats,
            placement=self.engine.placement,
        )

    async def close(self) -> None:
        await super().close()
        await self._running.aclose()


class RealClusterRig(ClusterRig):
    """The same over a real cluster."""

    failover_s = 90.0

    def __init__(self, request: pytest.FixtureRequest, folder: Path, group: str) -> None:
        self.real: Cluster = request.getfixturevalue("cluster")
        self.namespace = request.getfixturevalue("namespace")
        self.kubeconfig = self.real.paths.kubeconfig()
        Rig.__init__(self, request, folder, group)

    async def open(self) -> None:
        await asyncio.to_thread(make_claim, self.real, self.namespace, f"{self.group}-store")

    async def close(self) -> None:
        await Rig.close(self)


RIGS = [
    pytest.param(FakeRig, id="fake"),
    pytest.param(DockerRig, id="docker", marks=pytest.mark.docker),
    pytest.param(ProcessRig, id="process", marks=pytest.mark.server),
    pytest.param(ClusterRig, id="cluster-in-memory"),
    pytest.param(RealClusterRig, id="kubernetes", marks=[pytest.mark.cluster, pytest.mark.timeout(300)]),
]
