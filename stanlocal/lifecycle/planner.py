"""Computation of a group's target plan from the settings, the existing nodes and the free ports.

It adds to the pure `stanlocal.model.placement` the checks whether ports are free, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stanlocal.group.core import Group
from stanlocal.lifecycle.port_allocation import choose_inner_ports, choose_ports, first_ports
from stanlocal.machine.ports import is_free
from stanlocal.model import proxy_routes
from stanlocal.model.instance import Instance
from stanlocal.model.placement import Placement, plan_group
from stanlocal.model.plan import CLUSTER_PORT, INNER_PORT, GroupPlan, NodePlan
from stanlocal.settings import Settings, redacted

Report = Callable[[str], None]
"""Receives one line for people: what is being done or waited for."""

TIMEOUT_S = 60.0
"""Seconds that an `up` has by default until its nodes are ready."""


async def nothing_else() -> None:
    """Do nothing while nodes wait."""


@dataclass(frozen=True, slots=True)
class UpRequest:
    """The request of one `up`, beyond the group itself."""

    settings: Callable[[Mapping[str, Any] | None], Settings]
    """Returns the effective settings, given those that an existing group decides."""
    ensure_image: Callable[[Settings], Awaitable[object]]
    """Makes the server image available to the engine; raises `ImageNotFound`."""
    user: str
    """`uid:gid` for the servers."""
    timeout: float = TIMEOUT_S
    """Seconds from the first start until the last node is ready."""
    recreate: bool = False
    """Whether every container is made again, changed or not."""
    reserved_ports: frozenset[int] = frozenset()
    """Host ports of the caller's other groups, running or not."""
    first_port: int | None = None
    """First host port of the search for free ones; None: the servers' own ports."""
    bound_to: str | None = None
    """Name of the process that a new group is bound to."""
    container_of_port: Callable[[int], str | None] = lambda port: None
    """Returns the name of the container that publishes a host port, for messages."""
    report: Report = lambda line: None
    meanwhile: Callable[[], Coroutine[Any, Any, None]] = nothing_else
    """Work that is done while the nodes wait for the store lock; `up` fails if it does."""
    note: Report = lambda line: None
    """Receives what people have to know afterwards: warnings, ports that moved."""


class Planner:
    """Planner of one group; it remembers ports that proved to be taken after they were chosen."""

    def __init__(
        self,
        group: Group,
        request: UpRequest,
        settings: Settings,
        present: Mapping[str, Instance],
        before: GroupPlan | None,
        placement: Placement,
    ) -> None:
        self._group = group
        self._placement = placement
        self._request = request
        self._settings = settings
        self._present = present
        self._before = before
        self._refused: set[int] = set()

    def give_up(self, port: int) -> bool:
        """Plan without a port from now on; return False if it was asked for or was given up before."""
        first = self._settings.port
        asked = first is not None and port in range(first, first + self._settings.nodes)
        if asked or port in self._refused:
            return False
        self._refused.add(port)
        return True

    def plan(self, store_dir: str) -> GroupPlan:
        """Return the plan; nodes keep their earlier ports where those are still available."""
        first, nodes = self._request.first_port, self._settings.nodes
        first_client, first_monitor = first_ports(first, nodes)
        before = self._before.nodes if self._before else ()
        published = [(node, port) for node in before for port in (node.client_port, node.monitor_port)]
        choice = choose_ports(
            nodes,
            group=self._group.name,
            first_client=first_client,
            first_monitor=first_monitor,
            asked=self._settings.port,
            keep=[(node.client_port, node.monitor_port) for node in before],
            gone={port for node, port in published if self._kept(node, port) is None},
            reserved=self._request.reserved_ports,
            refused=self._refused,
            host=self._placement.publish,
            container=self._request.container_of_port,
        )
        for line in choice.moved:
            self._request.note(line)
        routes, inner = self._inner_ports({port for pair in choice.ports for port in pair})
        return plan_group(
            group=self._group.name,
            image=self._settings.image,
            ports=choice.ports,
            store_dir=store_dir,
            store_size=self._settings.store_size,
            proxied=self._settings.proxied,
            secure=self._settings.secure,
            state_dir=str(self._group.home.folder),
            user=self._request.user,
            streaming=redacted(self._settings.streaming),
            nats=redacted(self._settings.nats),
            placement=self._placement,
            route_ports=routes,
            inner_ports=inner,
            bound_to=self._before.bound_to if self._before else self._request.bound_to,
        )

    def _inner_ports(self, chosen: set[int]) -> tuple[Sequence[int], Sequence[int]]:
        """Return the ports of routes and those that the servers bind, if nodes share the host's network.

        Nodes keep their earlier ports where those are still available.
        """
        if self._placement.own_network:
            return (), ()
        before = self._before.nodes if self._before else ()
        first, nodes = self._request.first_port, self._settings.nodes
        taken = {*chosen, *self._refused, *self._request.reserved_ports}
        routes = choose_inner_ports(
            nodes,
            first=CLUSTER_PORT if first is None else first + 2 * nodes,
            keep=[self._kept(node, node.route_port, chosen) for node in before],
            reserved=taken,
        )
        inner = choose_inner_ports(
            3 * nodes,
            first=INNER_PORT if first is None else first + 3 * nodes,
            keep=[
                self._kept(node, port, chosen.union(routes)) for node in before for port in node.inner_ports
            ],
            reserved=taken.union(routes),
        )
        return routes, inner

    def _kept(self, node: NodePlan, port: int, chosen: Collection[int] = ()) -> int | None:
        """Return the node's earlier port; None if it is in `chosen`, or taken while the node is down."""
        instance = self._present.get(node.name)
        runs = instance is not None and instance.running
        had = runs or (port not in self._refused and self._can_have(port))
        return port if had and port not in chosen else None

    def _can_have(self, port: int) -> bool:
        """Return whether the port is free, or kept by the group's own proxy while the node is down."""
        if is_free(port, host=self._placement.publish):
            return True
        proxied = self._before is not None and self._before.proxied
        return proxied and self._request.container_of_port(port) == proxy_routes.container_name(
            self._group.name
        )
