"""`FakeMachine`: the containers, networks and volumes of all users of one engine, in memory."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from stanlocal.errors import PortInUse
from stanlocal.model.instance import EngineEvent, Instance, RawLine, Status
from stanlocal.model.plan import GroupPlan
from stanlocal.testing.fake.proxy import FakeProxy
from stanlocal.testing.fake.server import FakeServer, Pace, Store, Trouble

Action: TypeAlias = Literal["create", "start", "die", "pause", "unpause", "destroy", "networks"]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network, compared by identity: a later one of the same name is another one."""

    owner: str | None
    group: str | None


@dataclass(slots=True, eq=False)
class Attachment:
    """One attachment to a node's output."""

    lines: list[RawLine] = field(default_factory=list)
    """Lines that have not been taken yet."""
    ended: bool = False
    """Whether no more lines will come."""
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, eq=False)
class Node:
    """A container, and the server that runs in it."""

    name: str
    owner: str | None
    """uid of the user who made it; None for a container that stanlocal did not make."""
    plan: GroupPlan | None = None
    fingerprint: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(32))
    networks: dict[str, Network] = field(default_factory=dict)
    server: FakeServer | None = None
    exit_code: int | None = None
    error: str | None = None
    half_removed: bool = False
    """Whether the engine was killed while removing it: its name is taken, and it cannot be used."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    begun_after: datetime | None = None
    output: list[RawLine] = field(default_factory=list)
    attachments: set[Attachment] = field(default_factory=set)
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
        """Host ports that its plan gives it."""
        if self.plan is None:
            return ()
        planned = self.plan.node(self.name)
        return planned.client_port, planned.monitor_port

    @property
    def published(self) -> tuple[int, ...]:
        """Host ports that lead to it now."""
        on_clients = self.plan is not None and self.plan.client_network in self.networks
        return self.ports if on_clients and self.server is not None else ()

    def write(self, line: RawLine) -> None:
        self.output.append(line)
        for attachment in self.attachments:
            attachment.lines.append(line)
            attachment.news.set()

    def cut_attachments(self) -> None:
        for attachment in self.attachments:
            attachment.ended = True
            attachment.news.set()
        self.attachments.clear()


class FakeMachine:
    """The machine behind one or more `FakeEngine`s.

    Tests set its attributes to make things go wrong.
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self.nodes: dict[str, Node] = {}
        self.networks: dict[str, Network] = {}
        self.engine_id = f"engine-{secrets.token_hex(4)}"
        self.volumes: dict[str, tuple[str, str]] = {}
        """Owner and group of each volume."""
        self.stores: dict[str, Store] = {}
        self.proxies: dict[str, FakeProxy] = {}
        """Proxies by group."""
        self.taken_ports: set[int] = set()
        """Host ports that another program listens on."""
        self.missing_images: set[str] = set()
        """Images that the engine lacks until they are provisioned."""
        self.troubles: dict[str, Trouble] = {}
        """Failures by node, from the node's next start on."""
        self.lost: str | None = None
        """Reason why the engine does not answer; None: it answers."""
        self.events: dict[asyncio.Queue[EngineEvent | None], tuple[str, str]] = {}
        """Queues of those who watch, with the owner and the group that each watches."""
        self._last = datetime.now(UTC)

    def clock(self) -> datetime:
        """Return the time, each time later than the last."""
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        return self._last

    def foreign_container(self, name: str) -> Node:
        """Add a container that stanlocal did not make."""
        return self.nodes.setdefault(name, Node(name, owner=None))

    def foreign_network(self, name: str) -> Network:
        """Add a network that stanlocal did not make."""
        return self.networks.setdefault(name, Network(owner=None, group=None))

    @contextmanager
    def losing_engine(self, reason: str = "the connection to the engine was lost") -> Iterator[None]:
        """Lose the engine during the block: nodes run on, streams end, calls raise `EngineUnavailable`."""
        self.lost = reason
        for queue in self.events:
            queue.put_nowait(None)
        for node in self.nodes.values():
            node.cut_attachments()
        try:
            yield
        finally:
            self.lost = None

    def shut_down(self) -> None:
        """End every node's process."""
        for node in self.nodes.values():
            if node.server is not None:
                node.server.signal("SIGKILL")

    def announce(self, node: Node, action: Action) -> None:
        if node.plan is None:
            return
        event = EngineEvent(self.clock(), node.name, action, node.exit_code if action == "die" else None)
        for queue, wanted in self.events.items():
            if wanted == (node.owner, node.plan.group):
                queue.put_nowait(event)

    def run(self, node: Node, plan: GroupPlan) -> None:
        """Start the node's process."""
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
        self.announce(node, "start")

    def check_ports(self, node: Node) -> None:
        """Raise `PortInUse` when a host port of the node is taken."""
        others = (other.published for other in self.nodes.values() if other is not node)
        taken = self.taken_ports.union(*others)
        for port in node.ports:
            if port in taken:
                raise PortInUse(f"port {port} for {node.name} is taken; free it", port)

    def _ended(self, node: Node, exit_code: int) -> None:
        node.server, node.exit_code, node.finished_at = None, exit_code, self.clock()
        node.cut_attachments()
        node.exited.set()
        self.announce(node, "die")
