"""Containers of nodes and of the proxy, for the Docker engine and for `export compose` alike. Pure.

All settings of a container are here, so that the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stanlocal.model import proxy_routes
from stanlocal.model.plan import CONF_DIR, HOST_GATEWAY, STORE_DIR, VOLUME_DIR, GroupPlan, NodePlan
from stanlocal.settings import host_files
from stanlocal.settings.paths import copied_files
from stanlocal.util.addresses import LOOPBACK

CONF_FILE = f"{CONF_DIR}/stan.conf"
PIDS_LIMIT = 512
"""Limit far above a server's need (64 were enough in tests), far below a fork bomb's."""


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
    """All settings of one container, except its labels."""

    name: str
    image: str
    user: str
    """`uid:gid` of the process."""
    ports: tuple[Port, ...]
    client_network: str
    """First network of the container: ports are published through it."""
    cluster_network: str
    """Internal network for routes only."""
    route_alias: str
    """Name of the container on `cluster_network`."""
    stop_grace_s: int
    command: tuple[str, ...]
    client_alias: str | None = None
    """Extra name on `client_network`, unknown on the other; None if it needs none."""
    extra_hosts: Mapping[str, str] = field(default_factory=dict)
    """Additional host names that the container resolves, each with its address."""
    stop_signal: str = "SIGTERM"
    read_only: bool = True
    cap_drop: tuple[str, ...] = ("ALL",)
    security_opt: tuple[str, ...] = ("no-new-privileges:true",)
    pids_limit: int = PIDS_LIMIT
    log_driver: str = "json-file"
    log_options: Mapping[str, str] = field(default_factory=lambda: {"max-size": "10m", "max-file": "3"})

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """Host folders, host files and volumes that the container sees."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeContainer(Container):
    """The container of a node."""

    store: Mount
    conf: Mount
    """Folder with stan.conf, or volume with a folder for each node."""
    files: tuple[Mount, ...]
    """Files that options name (certificates, keys), at the same paths as on the host; for exports.

    The engine's nodes have copies of them in their folder of configuration (`access.server_files`)."""
    scripts: tuple[Mount, ...] = ()
    """The files among them that the server runs as programs; nodes get no copy of these."""

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """Mounts of a container of the engine."""
        return (self.store, self.conf, *self.scripts)


def container(plan: GroupPlan, node: NodePlan) -> NodeContainer:
    """Return the container of `node`."""
    named = host_files(plan.streaming, plan.nats)
    run = named.keys() - copied_files(plan.streaming, plan.nats).keys()
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
        files=tuple(Mount(path, path) for path in sorted(set(named.values()))),
        scripts=tuple(Mount(named[name], named[name]) for name in sorted(run)),
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
    """Return the container of the group's proxy, through which clients reach all nodes."""
    published = {node.name: node.client_port for node in plan.nodes}
    ports = (
        Port(plan.publish, published[route.nodes[0]], route.listen)
        for route in proxy_routes.proxied_routes(plan)
        if route.between == "clients"
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
    """Return the ports that the node's own container publishes."""
    monitor = Port(plan.publish, node.monitor_port, node.listen.monitor)
    if plan.external_nats or plan.proxied:
        return (monitor,)
    return (Port(plan.publish, node.client_port, node.listen.client), monitor)


def _extra_hosts(plan: GroupPlan) -> Mapping[str, str]:
    if plan.external_nats:
        return {HOST_GATEWAY: "host-gateway"}
    return {proxy_routes.NOWHERE: LOOPBACK} if plan.proxied else {}
