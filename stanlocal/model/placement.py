"""Placement of groups: how an engine houses nodes, and the plan of a group that it houses. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stanlocal.model.plan import STORE_DIR, GroupPlan, Listen, NodePlan
from stanlocal.util.addresses import LOOPBACK


@dataclass(frozen=True, slots=True)
class Placement:
    """How an engine houses its nodes."""

    engine: str = "docker"
    """Its name."""
    own_network: bool = True
    """Whether each node has addresses of its own; else all listen on the host's loopback."""
    store_mount: str | None = STORE_DIR
    """Where nodes find the store; None: where the host has it."""
    host: str = LOOPBACK
    """By which name or address the caller reaches published ports."""
    publish: str = LOOPBACK
    """On which address of the engine's machine ports are published for that."""
    fills_any_store: bool = False
    """Whether it can have servers find their disk full without a store that has a limit."""
    in_volumes: bool = False
    """Whether the engine does not see the caller's folders, so that volumes have to do."""


def node_name(group: str, index: int) -> str:
    return f"{group}-{index}"


def route_host(group: str, index: int) -> str:
    """The seed's name for it, `<node>.<group>`, and not the container's own.

    An engine resolves the names of containers on every network: routes would find each other over the
    clients' network, and cutting the other one would cut nothing.
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
) -> GroupPlan:
    """The plan of a group with one node for each pair (client port, monitor port) in `ports`.

    Where nodes do not have a network of their own, `route_ports` has one for each node, by which the others
    reach it, and `inner_ports` three, which the server binds: for clients, routes and the monitor.
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
        bound_to=bound_to,
        store_size=store_size,
        proxied=proxied,
    )
