"""Disconnecting nodes from networks and reconnecting them.

Ports stay published while a container is on any network, through that network (seen on 20.10), so clients
are cut off only after the routes. An alias is lost when a container is disconnected, so each reconnection
sets it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stanlocal.engine.docker.api import Api
from stanlocal.errors import PortInUse
from stanlocal.machine.ports import is_free
from stanlocal.model.plan import GroupPlan
from stanlocal.render.container_spec import container


def cut_routes(api: Api, plan: GroupPlan, node: str) -> None:
    """Disconnect the node from the network of routes."""
    if plan.cluster_network in _of(api, node):
        api.disconnect(plan.cluster_network, node)


def isolate(api: Api, plan: GroupPlan, node: str) -> None:
    """Disconnect the node from both networks, which frees its host ports."""
    cut_routes(api, plan, node)
    if plan.client_network in _of(api, node):
        api.disconnect(plan.client_network, node)


def rejoin(api: Api, plan: GroupPlan, node: str) -> None:
    """Reconnect the node to both networks, the one with its published ports first.

    The ports are checked before: an engine that finds one taken leaves the container half connected, and
    refuses each further attempt until it is restarted (seen on 20.10).
    """
    connected, wanted = _of(api, node), container(plan, plan.node(node))
    if plan.client_network not in connected:
        for port in wanted.ports:
            if not is_free(port.outside, port.host):
                raise PortInUse(f"port {port.outside} for {node} is taken; free it", port.outside)
        api.connect(plan.client_network, node, [wanted.client_alias] if wanted.client_alias else [])
    if plan.cluster_network not in connected:
        api.connect(plan.cluster_network, node, [wanted.route_alias])


def _of(api: Api, node: str) -> Mapping[str, Any]:
    """Return the networks that the container is on, by name."""
    found: Mapping[str, Any] = api.container(node)["NetworkSettings"]["Networks"]
    return found
