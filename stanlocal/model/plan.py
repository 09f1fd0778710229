"""The plan of a group: everything about its nodes that is decided before any of them is made.

One `GroupPlan` feeds the configuration (`render.stan_conf`), the engines and the exporters, so they cannot
drift apart. Pure: no I/O, no clock. `model.placement.plan_group` makes plans, `model.plan_json` stores them.
Secrets are never part of a plan: it carries the settings as `stanlocal.settings.redacted` shows them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stanlocal.util.addresses import LOOPBACK

CLIENT_PORT = 4222
CLUSTER_PORT = 6222
MONITOR_PORT = 8222
INNER_PORT = 14222
"""Where the search begins for ports that servers bind which share the host's loopback."""
CONF_DIR = "/etc/stan-config"
"""Where a node finds its configuration (the seed document's mount path)."""
STORE_DIR = "/data/stan/store"
"""Where a node finds the store (the seed document's `dir`)."""
VOLUME_DIR = "/data/stan"
"""Where a node finds the volume of a store with a limit; the store is a folder in it."""
STOP_GRACE_S = 30
"""Seconds between SIGTERM and SIGKILL (the seed's terminationGracePeriodSeconds)."""


@dataclass(frozen=True, slots=True)
class Listen:
    """What a server binds, as its own configuration says it."""

    host: str = "0.0.0.0"
    client: int = CLIENT_PORT
    cluster: int = CLUSTER_PORT
    monitor: int = MONITOR_PORT


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One server of the group."""

    name: str
    """`<group>-<index>`: the container's name, the server_name and the host name of its route."""
    index: int
    client_port: int
    """On the host, for clients."""
    monitor_port: int
    """On the host, for the HTTP monitor."""
    route_host: str
    """The name by which the other nodes reach this one's cluster port."""
    listen: Listen = Listen()
    arguments: tuple[str, ...] = ()
    """Flags of the server beyond its configuration file."""
    published_route_port: int | None = None
    """On the host, for the other nodes, where nodes share its loopback."""

    @property
    def host_ports(self) -> tuple[int, ...]:
        """The ports of the host that it takes: those that lead to it, and those that it binds itself."""
        published = (self.client_port, self.monitor_port)
        if self.listen.host != LOOPBACK:
            return published
        return (*published, self.route_port, *self.inner_ports)

    @property
    def inner_ports(self) -> tuple[int, int, int]:
        """What the server binds."""
        return (self.listen.client, self.listen.cluster, self.listen.monitor)

    @property
    def route_port(self) -> int:
        """At which the other nodes reach it."""
        return self.published_route_port or self.listen.cluster

    @property
    def route(self) -> str:
        return f"nats://{self.cluster_advertise}"

    @property
    def cluster_advertise(self) -> str:
        return f"{self.route_host}:{self.route_port}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a group was made; None stands for what could not be known."""

    engine: str | None = None
    """The engine's own id: its address may lead to another one tomorrow."""
    address: str | None = None
    """Where the engine answered, for messages."""
    machine: str | None = None
    """The machine's id, if the engine ran on the caller's."""

    def difference(self, here: Origin) -> str | None:
        """Say what made the group instead of what is `here`; None where they are not known to differ."""
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
    """The host's folder with the store of all nodes."""
    state_dir: str
    """The host's folder for this group's ports, logs, events and rendered configuration."""
    user: str
    """`uid:gid` of the server's process; the store belongs to it."""
    streaming: Mapping[str, Any]
    """The server's `streaming {}` options under its own names."""
    nats: Mapping[str, Any]
    """The embedded NATS server's options under its own names."""
    host: str = LOOPBACK
    """The name or address by which ports are reached."""
    publish: str = LOOPBACK
    """The address of the engine's machine that ports are published on."""
    stop_grace_s: int = STOP_GRACE_S
    engine: str = "docker"
    """What runs the nodes; a group stays with it."""
    store_mount: str | None = STORE_DIR
    """Where nodes find the store; None: where the host has it."""
    store_size: int | None = None
    """The limit of the store in bytes: it is then a volume in memory, not a folder of the host's."""
    in_volumes: bool = False
    """Store and configuration are in volumes, as the engine does not see the host's folders."""
    proxied: bool = False
    """Whether clients and routes go through a proxy (`model.proxy_routes`), where faults can act on them."""
    bound_to: str | None = None
    """The process that it was made for (`orphans.this_process`); nobody needs it after that."""

    group_id: str | None = None
    """The group's own random id, by which its store knows it; None in plans of earlier versions."""
    origin: Origin | None = None
    """Where it was made; None in plans of earlier versions."""

    @property
    def cluster_id(self) -> str:
        return str(self.streaming["cluster_id"])

    @property
    def served_channels(self) -> tuple[str, ...] | None:
        """The channels that the servers serve, wildcards included; None: all, as there is no partitioning."""
        if not self.streaming.get("partitioning"):
            return None
        return tuple(self.streaming.get("store_limits", {}).get("channels", {}))

    @property
    def ft_group(self) -> str:
        return str(self.streaming["ft_group_name"])

    @property
    def server_store_dir(self) -> str:
        """The store's folder as the servers see it."""
        return self.store_mount or self.store_dir

    @property
    def store_volume(self) -> str | None:
        """The name of the volume with the store; None where that is a folder of the host's."""
        return f"{self.group}-store" if self.store_size is not None or self.in_volumes else None

    @property
    def store_location(self) -> str:
        """The store's folder; one in a volume as `docker cp` takes it, which its holder is named like."""
        return f"{self.store_volume}:{STORE_DIR}" if self.store_volume else self.store_dir

    @property
    def conf_volume(self) -> str | None:
        """The name of the volume with a folder for each node's stan.conf; None where those are the host's."""
        return f"{self.group}-conf" if self.in_volumes else None

    @property
    def client_network(self) -> str:
        """Carries clients and monitoring; its ports are published."""
        return f"{self.group}-clients"

    @property
    def cluster_network(self) -> str:
        """Carries routes only; internal. Cutting a node from it leaves its clients alone."""
        return f"{self.group}-routes"

    @property
    def routes(self) -> tuple[str, ...]:
        """Every node's route."""
        return tuple(node.route for node in self.nodes)

    def routes_of(self, node: NodePlan) -> tuple[str, ...]:
        """Those in the node's configuration: not its own, unless the server knows that by its port."""
        known = node.published_route_port is None
        return tuple(other.route for other in self.nodes if known or other.index != node.index)

    @property
    def external_nats(self) -> tuple[str, ...]:
        """The NATS servers that the nodes use instead of one inside each of them; none by default.

        The nodes then have no routes, and clients connect to these servers.
        """
        urls = self.streaming.get("nats_server_url")
        return tuple(url.strip() for url in str(urls).split(",")) if urls else ()

    def client_url(self, node: NodePlan) -> str:
        """Where clients reach the group by way of `node`."""
        return self.external_nats[0] if self.external_nats else f"nats://{self.host}:{node.client_port}"

    def monitor_url(self, node: NodePlan) -> str:
        return f"http://{self.host}:{node.monitor_port}"

    @property
    def client_urls(self) -> tuple[str, ...]:
        return self.external_nats or tuple(self.client_url(node) for node in self.nodes)

    @property
    def monitor_urls(self) -> tuple[str, ...]:
        return tuple(self.monitor_url(node) for node in self.nodes)

    def conf_dir(self, node: NodePlan) -> str:
        """The host's folder with the node's stan.conf, mounted at `CONF_DIR` or copied to `conf_volume`."""
        return f"{self.state_dir}/conf/{node.name}"

    def node(self, name: str) -> NodePlan:
        """The node of that name; `KeyError` when there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def decided(self) -> dict[str, Any]:
        """What a group of this plan has settled, for wherever nothing else does."""
        return {
            "nodes": len(self.nodes),
            "image": self.image,
            "store_dir": self.store_dir,
            "store_size": self.store_size,
            "proxied": self.proxied,
            "streaming": self.streaming,
            "nats": self.nats,
        }


def fingerprint(plan: GroupPlan, node: NodePlan, conf: str) -> str:
    """Changes whenever the node's container would have to be made anew.

    Covers what the engine is told and the configuration's text; not the ports of *other* nodes.
    """
    told = [
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
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


__all__ = [
    "GroupPlan",
    "Listen",
    "NodePlan",
    "Origin",
    "fingerprint",
]
