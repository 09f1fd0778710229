"""The names and addresses at which a node's certificate has to be valid. Pure."""

from __future__ import annotations

from stanlocal.model import proxy_routes
from stanlocal.model.plan import HOST_GATEWAY, GroupPlan, NodePlan
from stanlocal.util.addresses import LOOPBACK

_LOCAL = ("localhost", LOOPBACK, "::1")
_EVERY_ADDRESS = ("0.0.0.0", "::")
"""Addresses that are published on, and that no client dials."""


def node_hosts(plan: GroupPlan, node: NodePlan) -> frozenset[str]:
    """Return every host that clients, other nodes or monitor readers may use for the node."""
    hosts = {*_LOCAL, plan.host, plan.publish, node.name, node.route_host, node.listen.host, HOST_GATEWAY}
    if plan.proxied:
        hosts |= {
            proxy_routes.container_name(plan.group),
            proxy_routes.host(plan.group),
            proxy_routes.client_alias(node),
            proxy_routes.NOWHERE,
        }
    return frozenset(hosts.difference(_EVERY_ADDRESS))
