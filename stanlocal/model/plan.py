"""The plan of a group: everything about its nodes that is decided before any of them is made.

One `GroupPlan` feeds the configuration (`render.stan_conf`), the engines and the exporters, so they cannot
drift apart. Pure: no I/O, no clock. `model.placement.plan_group` makes plans, `model.plan_json` stores them.
Secrets are never part of a plan: it carries the settings as `stanlocal.settings.redacted` shows them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeAlias

from stanlocal.util.addresses import LOOPBACK

CLIENT_PORT = 4222
CLUSTER_PORT = 6222
MONITOR_PORT = 8222
INNER_PORT = 14222
"""First port tried for servers that share the host's loopback."""

CONF_DIR = "/etc/stan-config"
"""Folder of a node's configuration (the seed document's mount path)."""
STORE_DIR = "/data/stan/store"
"""Folder of the store inside nodes (the seed document's `dir`)."""
VOLUME_DIR = "/data/stan"
"""Mount point of the volume with a limited store; the store is a folder in it."""
HOST_GATEWAY = "host.docker.internal"
"""Name at which a container reaches the engine's machine."""
STOP_GRACE_S = 30
"""Seconds between SIGTERM and SIGKILL (the seed's terminationGracePeriodSeconds)."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Host and ports that a server binds, as in its configuration."""

    host: str = "0.0.0.0"
    client: int = CLIENT_PORT
    cluster: int = CLUSTER_PORT
    monitor: int = MONITOR_PORT


@dataclass(frozen=True, slots=True)
class MonitorAddress:
    """Address of a monitor that speaks HTTPS, and what its certificate is checked against."""

    url: str
    trusted: str | None = None
    """File of the certificates that its own is checked against; None: those of the system."""
    server_name: str | None = None
    """Name in its certificate; None: the host of the URL."""


class MonitorRoute(Protocol):
    """Way to a monitor that only an engine has a connection to."""

    @property
    def url(self) -> str:
        """Address of the monitor, for messages."""

    async def get(self, path: str, limit: int) -> tuple[int, bytes]:
        """Return status and body of the answer to GET `path`.

        Raises `OSError` if there is no answer, `ValueError` for one of more than `limit` bytes.
        """


Monitor: TypeAlias = str | MonitorAddress | MonitorRoute
"""A monitor to ask; a URL alone for one that speaks HTTP."""


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One server of the group."""

    name: str
    """`<group>-<index>`: the container's name, the server_name and the host name of its route."""
    index: int
    client_port: int
    """Port on the host for clients."""
    monitor_port: int
    """Port on the host for the HTTP monitor."""
    route_host: str
    """Name at which the other nodes reach this node's cluster port."""
    listen: Listen = Listen()
    arguments: tuple[str, ...] = ()
    """Flags of the server beyond its configuration file."""
    published_route_port: int | None = None
    """Port on the host for routes, if nodes share its loopback; otherwise None."""
    host: str | None = None
    """Name at which clients reach it, where each node has its own; None: the group's host."""

    @property
    def host_ports(self) -> tuple[int, ...]:
        """Host ports that the node takes: published ones, and those that it binds itself."""
        published = (self.client_port, self.monitor_port)
        if self.listen.host != LOOPBACK:
            return published
        return (*published, self.route_port, *self.inner_ports)

    @property
    def inner_ports(self) -> tuple[int, int, int]:
        """Ports that the server binds: for clients, routes and the monitor."""
        return (self.listen.client, self.listen.cluster, self.listen.monitor)

    @property
    def route_port(self) -> int:
        """Port at which the other nodes reach the node."""
        return self.published_route_port or self.listen.cluster

    @property
    def route(self) -> str:
        return f"nats://{self.cluster_advertise}"

    @property
    def cluster_advertise(self) -> str:
        return f"{self.route_host}:{self.route_port}"


@dataclass(frozen=True, slots=True)
class Origin:
    """The engine and machine that made a group; a field is None if it is unknown."""

    engine: str | None = None
    """The engine's own id: another engine may have its address tomorrow."""
    address: str | None = None
    """Address of the engine, for messages."""
    machine: str | None = None
    """Id of the caller's machine; None if the engine ran on another."""

    def difference(self, here: Origin) -> str | None:
        """Say how this origin differs from `here`; None if they are not known to differ."""
        if None not in (self.engine, here.engine) and self.engine != here.engine:
            this = f"{here.engine} at {here.address}"
            return f"another engine ({self.engine} at {self.address}, this one is {this})"
        if None not in (self.machine, here.machine) and self.machine != here.machine:
            return f"another machine ({self.machine}, this one is {here.machine})"
        return None


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """The whole group."""

    group: str
    image: str
    nodes: tuple[NodePlan, ...]
    store_dir: str
    """Host folder of the store, which all nodes share."""
    state_dir: str
    """Host folder of the group's ports, logs, events and rendered configuration."""
    user: str
    """`uid:gid` of the server's process; the store belongs to it."""
    streaming: Mapping[str, Any]
    """The server's `streaming {}` options under its own names."""
    nats: Mapping[str, Any]
    """The embedded NATS server's options under its own names."""
    host: str = LOOPBACK
    """Name or address at which ports are reached."""
    publish: str = LOOPBACK
    """Address of the engine's machine on which ports are published."""
    stop_grace_s: int = STOP_GRACE_S
    engine: str = "docker"
    """Name of the engine that runs the nodes; it stays the same for a group's life."""
    store_mount: str | None = STORE_DIR
    """Path of the store inside nodes; None if it is the host's path."""
    store_size: int | None = None
    """Limit of the store in bytes: the store is then a volume in memory; None: no limit."""
    in_volumes: bool = False
    """Whether store and configuration are in volumes, as the engine does not see the host's folders."""
    proxied: bool = False
    """Whether clients and routes go through a proxy (`model.proxy_routes`), where faults can act on them."""
    secure: bool = False
    """Whether it has TLS and a login from a CA of its own (`certificates.secured`)."""
    bound_to: str | None = None
    """Process that the group was made for (`orphans.this_process`) and whose end makes it unnecessary."""

    in_cluster: bool = False
    """Whether the nodes are pods: the store is on a volume of the cluster, and no folder here."""
    monitor_tls: bool = False
    """Whether the nodes' monitors speak HTTPS, with the certificate of `nats.tls`."""
    tls_name: str | None = None
    """Name in the nodes' certificate by which it is checked; None: their addresses."""

    group_id: str | None = None
    """Random id of the group, also in its store's marker; None in plans of earlier versions."""
    origin: Origin | None = None
    """Engine and machine that made the group; None in plans of earlier versions."""

    @property
    def cluster_id(self) -> str:
        return str(self.streaming["cluster_id"])

    @property
    def served_channels(self) -> tuple[str, ...] | None:
        """Channels that the servers serve, wildcards included; None means all: there is no partitioning."""
        if not self.streaming.get("partitioning"):
            return None
        return tuple(self.streaming.get("store_limits", {}).get("channels", {}))

    @property
    def ft_group(self) -> str:
        return str(self.streaming["ft_group_name"])

    @property
    def server_store_dir(self) -> str:
        """Folder of the store as the servers see it."""
        return self.store_mount or self.store_dir

    @property
    def store_volume(self) -> str | None:
        """Name of the volume with the store; None if the store is a host folder."""
        return f"{self.group}-store" if self.store_size is not None or self.in_volumes else None

    @property
    def store_location(self) -> str:
        """Folder of the store; in a volume as `docker cp` takes it (its holder has the volume's name)."""
        return f"{self.store_volume}:{STORE_DIR}" if self.store_volume else self.store_dir

    @property
    def conf_volume(self) -> str | None:
        """Name of the volume with each node's stan.conf; None if those are in host folders."""
        return f"{self.group}-conf" if self.in_volumes else None

    @property
    def client_network(self) -> str:
        """Name of the network for clients and monitoring, whose ports are published."""
        return f"{self.group}-clients"

    @property
    def cluster_network(self) -> str:
        """Name of the internal network for routes only; a node cut from it keeps its clients."""
        return f"{self.group}-routes"

    @property
    def routes(self) -> tuple[str, ...]:
        """URLs of every node's route."""
        return tuple(node.route for node in self.nodes)

    def routes_of(self, node: NodePlan) -> tuple[str, ...]:
        """Return the routes in the node's configuration; its own only if the server knows it by its port."""
        known = node.published_route_port is None
        return tuple(other.route for other in self.nodes if known or other.index != node.index)

    @property
    def external_nats(self) -> tuple[str, ...]:
        """URLs of the NATS servers that replace the ones inside the nodes, without logins; empty by default.

        The nodes then have no routes, and clients connect to these servers.
        """
        urls = self.streaming.get("nats_server_url")
        return tuple(without_login(url.strip()) for url in str(urls).split(",")) if urls else ()

    def client_url(self, node: NodePlan) -> str:
        """Return the URL at which clients reach the group through `node`."""
        scheme = "tls" if self.secure else "nats"
        own = f"{scheme}://{node.host or self.host}:{node.client_port}"
        return self.external_nats[0] if self.external_nats else own

    def monitor_url(self, node: NodePlan) -> str:
        return f"http{'s' if self.monitor_tls else ''}://{node.host or self.host}:{node.monitor_port}"

    def monitor(self, node: NodePlan) -> Monitor:
        """Return the node's monitor, with what its certificate is checked against if it has one."""
        if not self.monitor_tls:
            return self.monitor_url(node)
        return MonitorAddress(self.monitor_url(node), self.trusted_file, self.tls_name)

    @property
    def secrets_dir(self) -> str:
        """Host folder of what clients need to log in; only the caller reads it."""
        return f"{self.state_dir}/secrets"

    @property
    def trusted_file(self) -> str:
        """Host file of the certificates that the nodes' own are checked against."""
        return f"{self.secrets_dir}/{'ca' if self.secure else 'trusted'}.pem"

    @property
    def client_urls(self) -> tuple[str, ...]:
        return self.external_nats or tuple(self.client_url(node) for node in self.nodes)

    @property
    def monitor_urls(self) -> tuple[str, ...]:
        return tuple(self.monitor_url(node) for node in self.nodes)

    def conf_dir(self, node: NodePlan) -> str:
        """Return the host folder of the node's stan.conf, which is mounted at `CONF_DIR` or copied there."""
        return f"{self.state_dir}/conf/{node.name}"

    def server_conf_dir(self, node: NodePlan) -> str:
        """Return the folder of its stan.conf as the server sees it."""
        if self.engine == "process":  # it works there, and may not pass through the folders above
            return "."
        return f"{CONF_DIR}/{node.name}" if self.conf_volume else CONF_DIR

    def node(self, name: str) -> NodePlan:
        """Return the node of that name; raise `KeyError` if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def decided(self) -> dict[str, Any]:
        """Return the values that a later `up` of the group keeps unless they are set again."""
        return {
            "nodes": len(self.nodes),
            "image": self.image,
            "store_dir": self.store_dir,
            "store_size": self.store_size,
            "proxied": self.proxied,
            "secure": self.secure,
            "streaming": self.streaming,
            "nats": self.nats,
        }


def without_login(url: str) -> str:
    """Return a URL without the user, password or token in front of its host."""
    scheme, colon, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{colon}{host.rpartition('@')[2]}{slash}{path}"


def fingerprint(plan: GroupPlan, node: NodePlan, conf: str, key: bytes = b"") -> str:
    """Return a hash that changes whenever the node's container has to be made again.

    Covers the container's settings and the configuration's text, but not the ports of *other* nodes. It is
    kept where others can read it, so for a text with secrets it needs a secret `key`: else a password could
    be guessed from it.
    """
    import hmac

    covered = [
        plan.image,
        plan.store_dir,
        plan.store_size,
        plan.user,
        plan.host,
        plan.publish,
        plan.in_volumes,
        plan.stop_grace_s,
        asdict(node),
        conf,
    ]
    return hmac.digest(key, json.dumps(covered, sort_keys=True).encode(), "sha256").hex()[:16]
