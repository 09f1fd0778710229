"""Placement of groups: how an engine houses nodes, and the plan of a group that it houses. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stanlocal.model.plan import STORE_DIR, GroupPlan, Listen, NodePlan
from stanlocal.util.addresses import LOOPBACK


@dataclass(frozen=True, slots=True)
class Placement:
    """Environment that an engine gives its nodes: network, store and addresses."""

    engine: str = "docker"
    """Name of the engine."""
    own_network: bool = True
    """Whether each node has its own addresses; otherwise all listen on the host's loopback."""
    store_mount: str | None = STORE_DIR
    """Path of the store inside nodes; None if it is the host's path."""
    host: str = LOOPBACK
    """Name or address at which the caller reaches published ports."""
    publish: str = LOOPBACK
    """Address of the engine's machine on which ports are published."""
    fills_any_store: bool = False
    """Whether it can simulate a full disk for a store without a size limit."""
    in_cluster: bool = False
    """Whether nodes are pods, which the cluster makes again when they end."""
    in_volumes: bool = False
    """Whether volumes replace the caller's folders, which the engine does not see."""


def node_name(group: str, index: int) -> str:
    return f"{group}-{index}"


def route_host(group: str, index: int) -> str:
    """Return the node's name for routes, `<node>.<group>` as in the seed document.

    It differs from the container's name, which the engine resolves on every network: routes would connect
    over the clients' network, and cutting the network of routes would have no effect.
    """
    return f"{node_name(group, index)}.{group}"


def plan_group(
    *,
    group: str,
    image: str,
    ports: Sequence[tuple[int, int]],
    store_dir: str,
    state_dir: str,
    user: str,
    streaming: Mapping[str, Any],
    nats: Mapping[str, Any],
    placement: Placement = Placement(),
    route_ports: Sequence[int] = (),
    inner_ports: Sequence[int] = (),
    bound_to: str | None = None,
    store_size: int | None = None,
    proxied: bool = False,
    secure: bool = False,
) -> GroupPlan:
    """Return the plan of a group with one node for each pair (client port, monitor port) in `ports`.

    If nodes share the host's loopback, `route_ports` has one port per node, at which the others reach it, and
    `inner_ports` has three per node, which the server binds: for clients, routes and the monitor.
    """
    shared = not placement.own_network
    nodes = tuple(
        NodePlan(
            name=node_name(group, index),
            index=index,
            client_port=client,
            monitor_port=monitor,
            route_host=LOOPBACK if shared else route_host(group, index),
            listen=Listen(LOOPBACK, *inner_ports[3 * index : 3 * index + 3]) if shared else Listen(),
            published_route_port=route_ports[index] if shared else None,
        )
        for index, (client, monitor) in enumerate(ports)
    )
    return GroupPlan(
        group=group,
        image=image,
        nodes=nodes,
        store_dir=store_dir,
        state_dir=state_dir,
        user=user,
        streaming=dict(streaming),
        nats=dict(nats),
        host=placement.host,
        publish=placement.publish,
        engine=placement.engine,
        store_mount=placement.store_mount,
        in_volumes=placement.in_volumes,
        in_cluster=placement.in_cluster,
        bound_to=bound_to,
        store_size=store_size,
        proxied=proxied,
        secure=secure,
        monitor_tls=secure,
    )
