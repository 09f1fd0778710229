"""`FakeEngine`: an `Engine` in memory that behaves like Docker's with real servers.

The engines' contract suite runs over it and over the real ones. The containers and networks are in a
`FakeMachine`, which also makes things go wrong: `taken_ports`, `missing_images`, `troubles`, `losing_engine`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from stanlocal.engine.base import ABLE, EngineInfo, OwnNodes, Progress
from stanlocal.errors import (
    EngineError,
    EngineUnavailable,
    ImageNotFound,
    NameConflict,
    NodeNotFound,
    NodePaused,
    ProxyDown,
)
from stanlocal.model import plan_json
from stanlocal.model.instance import EngineEvent, Exit, Instance, RawLine, batches
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan, Monitor, NodePlan
from stanlocal.testing.fake.machine import Attachment, FakeMachine, Network, Node
from stanlocal.testing.fake.proxy import FakeProxy
from stanlocal.testing.fake.server import FakeServer
from stanlocal.util.tasks import run_to_end

SIGNALS = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGQUIT", "SIGABRT", "SIGHUP", "SIGUSR1"})


class FakeEngine(OwnNodes):
    """An engine whose nodes are simulated; hand it to `FTGroup(engine=FakeEngine())`.

    Nodes start, take the store's lock, write the server's log lines, fail over and end as real ones do, in
    milliseconds. They listen on no port and store no messages: no client can connect. They live on the
    event loop that started them. See `stanlocal.engine.base.Engine` for what each method promises.

    Without `machine` the engine has a machine of its own; engines that share one see the same containers.
    `owner` is the uid of the user who makes them.
    """

    name = "fake"
    placement = Placement(name)
    retry_s = 0.005
    lacks = ABLE

    def __init__(self, machine: FakeMachine | None = None, *, owner: str = "1000") -> None:
        self.machine = FakeMachine() if machine is None else machine
        self.owner = owner

    async def _call(self) -> None:
        """Let other tasks run, then raise if the engine is lost: the rest of a call happens at once."""
        await asyncio.sleep(0)
        if self.machine.lost is not None:
            raise EngineUnavailable(self.machine.lost)

    # State

    async def info(self) -> EngineInfo:
        await self._call()
        return EngineInfo(
            self.name, "1", "memory", "amd64", rootless=False, local=False, id=self.machine.engine_id
        )

    async def groups(self) -> Sequence[str]:
        await self._call()
        of_nodes = {node.plan.group for node in self._nodes() if node.plan}
        of_networks = {n.group for n in self.machine.networks.values() if n.owner == self.owner and n.group}
        return sorted(of_nodes | of_networks)

    def _nodes(self) -> list[Node]:
        return [node for node in self.machine.nodes.values() if node.owner == self.owner]

    async def instances(self, group: str) -> Sequence[Instance]:
        await self._call()
        found = (node.instance(node.plan) for node in self._nodes() if node.plan)
        return sorted(
            (instance for instance in found if instance.group == group), key=lambda found: found.index
        )

    def _node(self, name: str) -> Node:
        node = self.machine.nodes.get(name)
        if node is None or node.owner != self.owner:
            raise NodeNotFound(f"no container '{name}' of yours; see 'stanlocal list'")
        return node

    def _usable(self, name: str) -> Node:
        node = self._node(name)
        if node.half_removed:
            raise NodeNotFound(f"the engine no longer has it: container {name} is marked for removal")
        return node

    # Making and removing

    async def kept_plan(self, group: str) -> GroupPlan | None:
        return None

    def monitor(self, plan: GroupPlan, node: NodePlan) -> Monitor:
        return plan.monitor(node)

    def container_of_port(self, port: int) -> str | None:
        nodes = self.machine.nodes.values()
        return next((node.name for node in nodes if port in node.published), None)

    async def provision(self, image: str, server_binary: Path | None, progress: Progress) -> None:
        await self._call()
        self.machine.missing_images.discard(image)

    async def provision_proxy(self, progress: Progress) -> None:
        await self._call()

    async def place(self, group: str, image: str, folder: Path) -> Placement:
        await self._call()
        return self.placement

    async def check_lock(self, plan: GroupPlan) -> None:
        """Do nothing: the servers' lock is a variable."""
        await self._call()

    async def prepare(self, plan: GroupPlan) -> None:
        for name in (plan.client_network, plan.cluster_network):
            await self._call()
            there = self.machine.networks.setdefault(name, Network(self.owner, plan.group))
            if (there.owner, there.group) != (self.owner, plan.group):
                raise NameConflict(f"'{name}' exists already and was not made by stanlocal for you", name)
        if plan.store_volume is not None:
            self.machine.volumes.setdefault(plan.store_volume, (self.owner, plan.group))
        if not plan.proxied:
            self.machine.proxies.pop(plan.group, None)
        elif plan.group not in self.machine.proxies:
            self.machine.proxies[plan.group] = FakeProxy(plan)

    async def create(self, plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
        await self._call()
        if node.name in self.machine.nodes:
            raise NameConflict(f"container '{node.name}' was not made by stanlocal for you", node.name)
        if plan.image in self.machine.missing_images:
            raise ImageNotFound(f"the image is gone: no such image: {plan.image}")
        names = (plan.client_network, plan.cluster_network)
        if missing := [name for name in names if name not in self.machine.networks]:
            raise NodeNotFound(f"the engine no longer has it: network {missing[0]} not found")
        networks = {name: self.machine.networks[name] for name in names}
        kept = plan_json.from_json(plan_json.to_json(plan))
        made = Node(node.name, self.owner, kept, fingerprint, networks=networks)
        self.machine.nodes[node.name] = made
        self.machine.announce(made, "create")

    async def fill_store(self, plan: GroupPlan) -> None:
        """Do nothing: the servers store nothing."""
        await self._call()

    async def free_store(self, plan: GroupPlan) -> None:
        await self._call()

    async def store_parts(self, group: str) -> frozenset[str]:
        await self._call()
        return frozenset(name for name, owner in self.machine.volumes.items() if owner == (self.owner, group))

    async def discard_store(self, group: str, keep: frozenset[str] = frozenset()) -> None:
        for name in await self.store_parts(group) - keep:
            del self.machine.volumes[name]

    async def control_proxy(self, plan: GroupPlan, arguments: Sequence[str]) -> str:
        await self._call()
        if plan.group not in self.machine.proxies:
            raise ProxyDown(
                f"the proxy of group '{plan.group}' does not run; bring it back with 'stanlocal up'"
            )
        return self.machine.proxies[plan.group].run(arguments)

    async def limit_cpu(self, node: str, cores: float) -> None:
        """Check that the node exists; the servers use no CPU."""
        await self._call()
        self._node(node)

    async def remove(self, node: str) -> None:
        await self._call()
        found = self.machine.nodes.get(node)
        if found is None or found.owner != self.owner:
            return
        if found.server is not None:
            found.server.signal("SIGKILL")
        del self.machine.nodes[node]
        found.cut_attachments()
        self.machine.announce(found, "destroy")

    async def clean(self, group: str, nodes: Sequence[str] = ()) -> None:
        for node in nodes:
            await self.remove(node)
        await self._call()
        self.machine.proxies.pop(group, None)
        ours = {
            name: network
            for name, network in self.machine.networks.items()
            if (network.owner, network.group) == (self.owner, group)
        }
        for name, network in ours.items():
            if any(node.server and network in node.networks.values() for node in self._nodes()):
                raise EngineError(f"the engine refused: network {name} has active endpoints")
            del self.machine.networks[name]

    # Acting on a node

    async def start(self, plan: GroupPlan, node: str) -> None:
        await self._call()
        found = self._usable(node)
        for name, network in found.networks.items():
            if self.machine.networks.get(name) is not network:
                raise NodeNotFound(f"the engine no longer has it: network {name} not found")
        if found.server is None:
            self.machine.run(found, plan)

    async def signal(self, node: str, signal: str) -> None:
        await self._call()
        if signal not in SIGNALS:
            raise EngineError(f"the engine refused: invalid signal: {signal}")
        server = self._node(node).server
        if server is not None:
            server.signal(signal)

    async def stop(self, node: str, grace_s: float) -> None:
        await self._call()
        found = self._node(node)
        if found.server is None:
            return
        await run_to_end(self._stop(found, found.server, grace_s))

    @staticmethod
    async def _stop(node: Node, server: FakeServer, grace_s: float) -> None:
        server.signal("SIGTERM")
        try:
            async with asyncio.timeout(grace_s):
                await node.exited.wait()
        except TimeoutError:
            server.signal("SIGKILL")

    async def wait_exit(self, node: str) -> Exit:
        await self._call()
        found = self._node(node)
        if found.server is not None:
            await found.exited.wait()
        assert found.exit_code is not None
        assert found.finished_at is not None
        return Exit(found.exit_code, found.finished_at)

    async def pause(self, node: str) -> None:
        await self._call()
        found = self._node(node)
        if found.server is None:
            raise EngineError(f"the engine refused: container {node} is not running")
        if not found.server.frozen:
            found.server.frozen = True
            self.machine.announce(found, "pause")

    async def unpause(self, node: str) -> None:
        await self._call()
        found = self._node(node)
        if found.server is not None and found.server.frozen:
            found.server.thaw()
            self.machine.announce(found, "unpause")

    async def disconnect_routes(self, plan: GroupPlan, node: str) -> None:
        await self._call()
        with self._networks_of(node) as networks:
            networks.pop(plan.cluster_network, None)

    async def isolate(self, plan: GroupPlan, node: str) -> None:
        await self._call()
        with self._networks_of(node) as networks:
            networks.clear()

    async def rejoin(self, plan: GroupPlan, node: str) -> None:
        await self._call()
        found = self._node(node)
        self.machine.check_ports(found)
        for name in (plan.client_network, plan.cluster_network):
            if name not in self.machine.networks:
                raise NodeNotFound(f"the engine no longer has it: network {name} not found")
            with self._networks_of(node) as networks:
                networks.setdefault(name, self.machine.networks[name])

    @contextmanager
    def _networks_of(self, node: str) -> Iterator[dict[str, Network]]:
        """Networks of the node, to be changed; a change to a running node is an event."""
        found = self._node(node)
        before = dict(found.networks)
        yield found.networks
        if found.networks != before and found.server is not None:
            self.machine.announce(found, "networks")

    # Watching

    async def output(self, node: str, *, since: datetime | None = None) -> AsyncGenerator[Sequence[RawLine]]:
        await self._call()
        lines = self._usable(node).output
        for batch in batches([line for line in lines if since is None or line.time >= since]):
            yield batch

    async def tail(self, node: str, count: int) -> Sequence[RawLine]:
        await self._call()
        lines = self._usable(node).output
        return lines[max(0, len(lines) - count) :]

    async def attach(self, node: str) -> AsyncGenerator[Sequence[RawLine]]:
        await self._call()
        found = self._node(node)
        if found.status == "paused":
            raise NodePaused(f"container {node} is paused; see 'stanlocal unpause'")
        attachment = Attachment()
        found.attachments.add(attachment)
        try:
            yield []
            while attachment.lines or not attachment.ended:
                await attachment.news.wait()
                attachment.news.clear()
                batch, attachment.lines = attachment.lines, []
                if batch:
                    yield batch
        finally:
            found.attachments.discard(attachment)

    def events(self, group: str) -> AsyncGenerator[EngineEvent]:
        queue: asyncio.Queue[EngineEvent | None] = asyncio.Queue()
        self.machine.events[queue] = (self.owner, group)
        return self._events(queue)

    async def _events(self, queue: asyncio.Queue[EngineEvent | None]) -> AsyncGenerator[EngineEvent]:
        try:
            await self._call()
            while (event := await queue.get()) is not None:
                yield event
        finally:
            del self.machine.events[queue]
        raise EngineUnavailable("the engine's events ended; see 'stanlocal doctor'")

    async def close(self) -> None:
        """Do nothing: no connection is open."""
