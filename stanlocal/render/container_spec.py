"""A node as a container, said once: the Docker engine makes it and `export compose` writes it down. Pure.

Whatever a node's container is told stands here, so that neither of the two can say something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stanlocal.model import proxy_routes
from stanlocal.model.plan import CONF_DIR, STORE_DIR, VOLUME_DIR, GroupPlan, NodePlan
from stanlocal.render.stan_conf import HOST_GATEWAY
from stanlocal.settings import host_files
from stanlocal.util.addresses import LOOPBACK

CONF_FILE = f"{CONF_DIR}/stan.conf"
PIDS_LIMIT = 512
"""Far above what a server needs (64 were enough in tests), far below what a fork bomb wants."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder or file of the host, or a volume, at `target` in the container."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the container, published on the host."""

    host: str
    outside: int
    inside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """Everything that an engine is told about one container, apart from who made it."""

    name: str
    image: str
    user: str
    """`uid:gid` of the process."""
    ports: tuple[Port, ...]
    client_network: str
    """The first one it is on: ports are published through it."""
    cluster_network: str
    """Carries routes only, and leads nowhere else."""
    route_alias: str
    """Its name on `cluster_network`."""
    stop_grace_s: int
    command: tuple[str, ...]
    client_alias: str | None = None
    """Its name on `client_network` alone, if it needs one."""
    extra_hosts: Mapping[str, str] = field(default_factory=dict)
    """Names that it resolves besides, each with its address."""
    stop_signal: str = "SIGTERM"
    read_only: bool = True
    cap_drop: tuple[str, ...] = ("ALL",)
    security_opt: tuple[str, ...] = ("no-new-privileges:true",)
    pids_limit: int = PIDS_LIMIT
    log_driver: str = "json-file"
    log_options: Mapping[str, str] = field(default_factory=lambda: {"max-size": "10m", "max-file": "3"})

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What of the host it sees."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeContainer(Container):
    """That of a node."""

    store: Mount
    conf: Mount
    """The folder with stan.conf, or the volume with one for each node."""
    files: tuple[Mount, ...]
    """What options name (certificates, keys), at the paths that they have on the host."""

    @property
    def mounts(self) -> tuple[Mount, ...]:
        return (self.store, self.conf, *self.files)


def container(plan: GroupPlan, node: NodePlan) -> NodeContainer:
    """The container of `node`."""
    named = sorted(set(host_files(plan.streaming, plan.nats).values()))
    return NodeContainer(
        name=node.name,
        image=plan.image,
        user=plan.user,
        ports=_ports(plan, node),
        extra_hosts=_extra_hosts(plan),
        store=Mount(plan.store_volume, VOLUME_DIR, read_only=False)
        if plan.store_volume
        else Mount(plan.store_dir, STORE_DIR, read_only=False),
        conf=Mount(plan.conf_volume or plan.conf_dir(node), CONF_DIR),
        files=tuple(Mount(path, path) for path in named),
        client_network=plan.client_network,
        client_alias=proxy_routes.client_alias(node) if plan.proxied else None,
        cluster_network=plan.cluster_network,
        route_alias=node.route_host,
        stop_grace_s=plan.stop_grace_s,
        command=(
            "-sc",
            f"{CONF_DIR}/{node.name}/stan.conf" if plan.conf_volume else CONF_FILE,
            *node.arguments,
        ),
    )


def proxy_container(plan: GroupPlan) -> Container:
    """That of the group's proxy, through which clients come to all nodes; shut in as the nodes are."""
    published = {node.name: node.client_port for node in plan.nodes}
    ports = (
        Port(plan.publish, published[way.nodes[0]], way.listen)
        for way in proxy_routes.ways(plan)
        if way.between == "clients"
    )
    return Container(
        name=proxy_routes.container_name(plan.group),
        image=proxy_routes.IMAGE,
        user=plan.user,
        ports=tuple(ports),
        client_network=plan.client_network,
        cluster_network=plan.cluster_network,
        route_alias=proxy_routes.host(plan.group),
        stop_grace_s=0,
        command=(f"-host={LOOPBACK}", f"-config={proxy_routes.CONF_DIR}/{proxy_routes.CONF_NAME}"),
    )


def _ports(plan: GroupPlan, node: NodePlan) -> tuple[Port, ...]:
    """What the node's own container publishes."""
    monitor = Port(plan.publish, node.monitor_port, node.listen.monitor)
    if plan.external_nats or plan.proxied:
        return (monitor,)
    return (Port(plan.publish, node.client_port, node.listen.client), monitor)


def _extra_hosts(plan: GroupPlan) -> Mapping[str, str]:
    if plan.external_nats:
        return {HOST_GATEWAY: "host-gateway"}
    return {proxy_routes.NOWHERE: LOOPBACK} if plan.proxied else {}
