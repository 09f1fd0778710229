"""Routes through a group's proxy, which a proxied group has between its nodes and clients. Pure.

Clients reach a node through the proxy, and so does each other node, each over its own route. A fault on a
route therefore affects its two ends alone. The proxy is Shopify's toxiproxy. Its control port is open only
inside its container, where only the engine can run commands.
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
"""Executables in the root of the image: the proxy, and its command line."""
CONF_DIR = "/etc/toxiproxy"
CONF_NAME = "toxiproxy.json"

NOWHERE = "nowhere"
"""Name that every node resolves to its own loopback, advertised as the address of its routes.

Nodes gossip advertised addresses and would dial them past the proxy. A node recognises this one
as its own, and ignores it.
"""

_FIRST_ROUTE_PORT = 20_000
_MOST_NODES = 64

Between: TypeAlias = Literal["clients", "nodes"]
"""Ends of a route: clients and a node, or two nodes."""


@dataclass(frozen=True, slots=True)
class ProxyRoute:
    """One route through the proxy; toxiproxy itself calls it a proxy."""

    name: str
    between: Between
    nodes: tuple[str, ...]
    """Nodes at its ends."""
    listen: int
    """Port of the proxy."""
    upstream: str
    """Address `host:port` that the proxy dials."""


def container_name(group: str) -> str:
    return f"{group}-proxy"


def host(group: str) -> str:
    """Return the proxy's name on the network of routes; it has none on the clients'."""
    return f"proxy.{group}"


def client_alias(node: NodePlan) -> str:
    """Return the node's name on the clients' network, unknown on the other."""
    return f"{node.name}.clients"


def proxied_routes(plan: GroupPlan) -> tuple[ProxyRoute, ...]:
    """Return all routes through the group's proxy; empty for a group without one."""
    return tuple(_proxied_routes(plan)) if plan.proxied else ()


def _proxied_routes(plan: GroupPlan) -> Iterator[ProxyRoute]:
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


def routes_at(
    plan: GroupPlan, nodes: Collection[str], between: Collection[Between]
) -> tuple[ProxyRoute, ...]:
    """Return the routes of these kinds with one of `nodes` at an end."""
    return tuple(
        route
        for route in proxied_routes(plan)
        if route.between in between and not set(nodes).isdisjoint(route.nodes)
    )


def routes(plan: GroupPlan, node: NodePlan) -> tuple[str, ...]:
    """Return the routes in the node's configuration."""
    if not plan.proxied:
        return plan.routes_of(node)
    return tuple(f"nats://{host(plan.group)}:{_route_port(node, other)}" for other in _others(plan, node))


def cluster_advertise(plan: GroupPlan, node: NodePlan) -> str:
    """Return the address for routes that the node advertises to the others."""
    return f"{NOWHERE}:{CLUSTER_PORT}" if plan.proxied else node.cluster_advertise


def config(plan: GroupPlan) -> str:
    """Return the configuration file that toxiproxy reads when it starts."""
    found = [
        {"name": route.name, "listen": f"0.0.0.0:{route.listen}", "upstream": route.upstream, "enabled": True}
        for route in proxied_routes(plan)
    ]
    return json.dumps(found, indent=2) + "\n"


def _others(plan: GroupPlan, node: NodePlan) -> Iterator[NodePlan]:
    return (other for other in plan.nodes if other.index != node.index)


def _route_port(node: NodePlan, other: NodePlan) -> int:
    """Return the proxy's port at which the node dials the other one."""
    return _FIRST_ROUTE_PORT + node.index * _MOST_NODES + other.index
