"""What there is on one engine, in memory: everybody's containers and networks."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from stanlocal.engine.base import EngineEvent, Instance, RawLine, Status
from stanlocal.errors import PortInUse
from stanlocal.model.plan import GroupPlan
from tests.support.fake_proxy import FakeProxy
from tests.support.fake_server import FakeServer, Pace, Store, Trouble

Action: TypeAlias = Literal["create", "start", "die", "pause", "unpause", "destroy", "networks"]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Known by its identity: one of the same name that was made later is another."""

    owner: str | None
    group: str | None


@dataclass(slots=True, eq=False)
class Reader:
    """Who is attached to a node's output."""

    lines: list[RawLine] = field(default_factory=list)
    """Not taken yet."""
    ended: bool = False
    """No more will come."""
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, eq=False)
class Node:
    """A container."""

    name: str
    owner: str | None
    """None for one that stanlocal did not make."""
    plan: GroupPlan | None = None
    fingerprint: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(32))
    networks: dict[str, Network] = field(default_factory=dict)
    server: FakeServer | None = None
    exit_code: int | None = None
    error: str | None = None
    half_removed: bool = False
    """Whether its engine was killed while it removed it: it has its name still, and cannot be used."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    begun_after: datetime | None = None
    output: list[RawLine] = field(default_factory=list)
    readers: set[Reader] = field(default_factory=set)
    exited: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> Status:
        if self.server is not None:
            return "paused" if self.server.frozen else "running"
        return "exited" if self.started_at else "created"

    def instance(self, plan: GroupPlan) -> Instance:
        return Instance(
            group=plan.group,
            name=self.name,
            index=plan.node(self.name).index,
            id=self.id,
            status=self.status,
            pid=None,
            exit_code=self.exit_code,
            error=self.error,
            started_at=self.started_at,
            finished_at=self.finished_at,
            begun_after=self.begun_after,
            routes_connected=plan.cluster_network in self.networks,
            clients_connected=plan.client_network in self.networks,
            fingerprint=self.fingerprint,
            plan=plan,
        )

    @property
    def ports(self) -> tuple[int, ...]:
        """The host ports that are to lead to it."""
        if self.plan is None:
            return ()
        planned = self.plan.node(self.name)
        return planned.client_port, planned.monitor_port

    @property
    def published(self) -> tuple[int, ...]:
        """The host ports that lead to it now."""
        on_clients = self.plan is not None and self.plan.client_network in self.networks
        return self.ports if on_clients and self.server is not None else ()

    def write(self, line: RawLine) -> None:
        self.output.append(line)
        for reader in self.readers:
            reader.lines.append(line)
            reader.news.set()

    def cut_readers(self) -> None:
        for reader in self.readers:
            reader.ended = True
            reader.news.set()
        self.readers.clear()


class FakeMachine:
    """What there is on one engine."""

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self.nodes: dict[str, Node] = {}
        self.networks: dict[str, Network] = {}
        self.engine_id = f"engine-{secrets.token_hex(4)}"
        self.volumes: dict[str, tuple[str, str]] = {}
        """The owner and the group of each."""
        self.stores: dict[str, Store] = {}
        self.proxies: dict[str, FakeProxy] = {}
        """Of the groups that have one."""
        self.taken_ports: set[int] = set()
        """Host ports that something else listens on."""
        self.missing_images: set[str] = set()
        self.troubles: dict[str, Trouble] = {}
        """How the servers of these nodes fail, from their next start on."""
        self.lost: str | None = None
        """Why the engine does not answer."""
        self.events: dict[asyncio.Queue[EngineEvent | None], tuple[str, str]] = {}
        """Who listens, with the owner and the group that each wants to hear of."""
        self._last = datetime.now(UTC)

    def clock(self) -> datetime:
        """Now; each time later than the last."""
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        return self._last

    def foreign_container(self, name: str) -> Node:
        """One that stanlocal did not make."""
        return self.nodes.setdefault(name, Node(name, owner=None))

    def foreign_network(self, name: str) -> Network:
        """One that stanlocal did not make."""
        return self.networks.setdefault(name, Network(owner=None, group=None))

    @contextmanager
    def losing_engine(self, reason: str = "the connection to the engine was lost") -> Iterator[None]:
        """Within it the engine is away: the nodes live on, streams end, calls fail."""
        self.lost = reason
        for queue in self.events:
            queue.put_nowait(None)
        for node in self.nodes.values():
            node.cut_readers()
        try:
            yield
        finally:
            self.lost = None

    def shut_down(self) -> None:
        """Ends every process."""
        for node in self.nodes.values():
            if node.server is not None:
                node.server.signal("SIGKILL")

    def tell(self, node: Node, action: Action) -> None:
        if node.plan is None:
            return
        event = EngineEvent(self.clock(), node.name, action, node.exit_code if action == "die" else None)
        for queue, wanted in self.events.items():
            if wanted == (node.owner, node.plan.group):
                queue.put_nowait(event)

    def run(self, node: Node, plan: GroupPlan) -> None:
        """Starts the node's process."""
        try:
            self.check_ports(node)
        except PortInUse as busy:
            node.error = f"Bind for {plan.host}:{busy.port} failed: port is already allocated"
            raise
        node.begun_after = node.finished_at
        node.error, node.exit_code, node.finished_at = None, None, None
        node.started_at = self.clock()
        node.exited.clear()
        node.server = FakeServer(
            name=node.name,
            cluster_id=plan.cluster_id,
            store=self.stores.setdefault(plan.store_dir, Store()),
            pace=self.pace,
            trouble=self.troubles.get(node.name),
            routed=lambda: plan.cluster_network in node.networks,
            write=lambda text: node.write(RawLine(self.clock(), text)),
            ended=lambda code: self._ended(node, code),
            clock=self.clock,
        )
        node.server.start()
        self.tell(node, "start")

    def check_ports(self, node: Node) -> None:
        """Raises `PortInUse` when something else has a host port of the node."""
        others = (other.published for other in self.nodes.values() if other is not node)
        taken = self.taken_ports.union(*others)
        for port in node.ports:
            if port in taken:
                raise PortInUse(f"port {port} for {node.name} is taken; free it", port)

    def _ended(self, node: Node, exit_code: int) -> None:
        node.server, node.exit_code, node.finished_at = None, exit_code, self.clock()
        node.cut_readers()
        node.exited.set()
        self.tell(node, "die")
