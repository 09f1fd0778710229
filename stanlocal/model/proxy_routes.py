"""The proxy in the path of a group, where one is wanted: which ways lead through it. Pure.

Clients come to a node through it, and so do the other nodes, each by a way of its own. So what is done to a
way is done to those two alone. The proxy is Shopify's toxiproxy. Its control port is open inside its
container only, where nobody but the engine can run anything.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from stanlocal.model.plan import CLIENT_PORT, CLUSTER_PORT, GroupPlan, NodePlan

VERSION = "2.12.0"
IMAGE = f"ghcr.io/shopify/toxiproxy:{VERSION}"
SERVER, CONTROL = "toxiproxy", "toxiproxy-cli"
"""The executables in the root of the image: the proxy, and what tells it what to do."""
CONF_DIR = "/etc/toxiproxy"
CONF_NAME = "toxiproxy.json"

NOWHERE = "nowhere"
"""A name that is each node's own loopback: what others are told of where its routes are.

Nodes pass such addresses on, and dial them past the proxy. This one a node takes for itself, and leaves.
"""

_FIRST_ROUTE_PORT = 20_000
_MOST_NODES = 64

Between: TypeAlias = Literal["clients", "nodes"]
"""What a way connects: clients with a node, or two nodes."""


@dataclass(frozen=True, slots=True)
class ProxyRoute:
    """One route through the proxy; toxiproxy itself calls it a proxy."""

    name: str
    between: Between
    nodes: tuple[str, ...]
    """The nodes at its ends."""
    listen: int
    """The proxy's port."""
    upstream: str
    """`host:port` as the proxy finds it."""


def container_name(group: str) -> str:
    return f"{group}-proxy"


def host(group: str) -> str:
    """The proxy's name on the network of routes; on the clients' there is none, so none leads over it."""
    return f"proxy.{group}"


def client_alias(node: NodePlan) -> str:
    """The node's name on the clients' network alone."""
    return f"{node.name}.clients"


def ways(plan: GroupPlan) -> tuple[ProxyRoute, ...]:
    """All that lead through the proxy of the group; none for a group without."""
    return tuple(_ways(plan)) if plan.proxied else ()


def _ways(plan: GroupPlan) -> Iterator[ProxyRoute]:
    for node in plan.nodes:
        yield ProxyRoute(
            f"clients-{node.name}",
            "clients",
            (node.name,),
            CLIENT_PORT + node.index,
            f"{client_alias(node)}:{node.listen.client}",
        )
    for node in plan.nodes:
        for other in _others(plan, node):
            yield ProxyRoute(
                f"routes-{node.name}-{other.name}",
                "nodes",
                (node.name, other.name),
                _route_port(node, other),
                f"{other.route_host}:{other.listen.cluster}",
            )


def ways_of(plan: GroupPlan, nodes: Collection[str], between: Collection[Between]) -> tuple[ProxyRoute, ...]:
    """Those with one of `nodes` at an end."""
    return tuple(way for way in ways(plan) if way.between in between and not set(nodes).isdisjoint(way.nodes))


def routes(plan: GroupPlan, node: NodePlan) -> tuple[str, ...]:
    """What the node's configuration names as its routes."""
    if not plan.proxied:
        return plan.routes_of(node)
    return tuple(f"nats://{host(plan.group)}:{_route_port(node, other)}" for other in _others(plan, node))


def cluster_advertise(plan: GroupPlan, node: NodePlan) -> str:
    """What the other nodes are told of where the node's routes are."""
    return f"{NOWHERE}:{CLUSTER_PORT}" if plan.proxied else node.cluster_advertise


def config(plan: GroupPlan) -> str:
    """The file that toxiproxy makes its proxies from when it starts."""
    found = [
        {"name": way.name, "listen": f"0.0.0.0:{way.listen}", "upstream": way.upstream, "enabled": True}
        for way in ways(plan)
    ]
    return json.dumps(found, indent=2) + "\n"


def _others(plan: GroupPlan, node: NodePlan) -> Iterator[NodePlan]:
    return (other for other in plan.nodes if other.index != node.index)


def _route_port(node: NodePlan, other: NodePlan) -> int:
    """Of the way by which the node dials the other one."""
    return _FIRST_ROUTE_PORT + node.index * _MOST_NODES + other.index
