"""Disconnecting nodes from networks and reconnecting them, by blocking calls of the Docker API.

Ports stay published while a container is on any network, through that network (seen on 20.10), so clients
are cut off only after the routes. An alias is lost when a container is disconnected, so each reconnection
sets it again.
"""

from __future__ import annotations

from typing import Any

from stanlocal.errors import PortInUse
from stanlocal.machine.ports import is_free
from stanlocal.model.plan import GroupPlan
from stanlocal.render.container_spec import container


def of(api: Any, node: str) -> dict[str, Any]:
    """Return the networks that the container is on, by name."""
    found: dict[str, Any] = api.inspect_container(node)["NetworkSettings"]["Networks"]
    return found


def cut_routes(api: Any, plan: GroupPlan, node: str) -> None:
    """Disconnect the node from the network of routes."""
    if plan.cluster_network in of(api, node):
        api.disconnect_container_from_network(node, plan.cluster_network)


def isolate(api: Any, plan: GroupPlan, node: str) -> None:
    """Disconnect the node from both networks, which frees its host ports."""
    cut_routes(api, plan, node)
    if plan.client_network in of(api, node):
        api.disconnect_container_from_network(node, plan.client_network)


def rejoin(api: Any, plan: GroupPlan, node: str) -> None:
    """Reconnect the node to both networks, the one with its published ports first.

    The ports are checked before: an engine that finds one taken leaves the container half connected, and
    refuses each further attempt until it is restarted (seen on 20.10).
    """
    connected, wanted = of(api, node), container(plan, plan.node(node))
    if plan.client_network not in connected:
        for port in wanted.ports:
            if not is_free(port.outside, port.host):
                raise PortInUse(f"port {port.outside} for {node} is taken; free it", port.outside)
        aliases = [wanted.client_alias] if wanted.client_alias else None
        api.connect_container_to_network(node, plan.client_network, aliases=aliases)
    if plan.cluster_network not in connected:
        api.connect_container_to_network(node, plan.cluster_network, aliases=[wanted.route_alias])
