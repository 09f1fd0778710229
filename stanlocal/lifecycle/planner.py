"""What a group is to look like: from what is asked, what there is, and the ports that are free.

Bring the pure `stanlocal.model.placement` and the machine together: check whether ports are free.
Nothing is touched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
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
"""Takes one line for people: what is being done or waited for."""

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class UpRequest:
    """The request of one `up`, beyond the group itself."""

    settings: Callable[[Mapping[str, Any] | None], Settings]
    """The effective settings, given what a group that is already there decides."""
    ensure_image: Callable[[Settings], Awaitable[object]]
    """Sees to the server image; raises `ImageNotFound`."""
    user: str
    """`uid:gid` for the servers."""
    timeout: float = TIMEOUT_S
    """Seconds from the first start to the last node's being ready."""
    recreate: bool = False
    """Make every container again, changed or not."""
    reserved_ports: frozenset[int] = frozenset()
    """Host ports of the caller's other groups, running or not."""
    first_port: int | None = None
    """First host port of the search for free ones; None: the servers' own ports."""
    bound_to: str | None = None
    """The process that a new group is made for."""
    container_of_port: Callable[[int], str | None] = lambda port: None
    """Names the container that publishes a host port, for messages."""
    report: Report = lambda line: None
    note: Report = lambda line: None
    """Takes what people have to know afterwards: warnings, ports that moved."""


class Planner:
    """Plans one group; remembers which ports turned out to be taken after all."""

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

    def gives_up(self, port: int) -> bool:
        """Plans without a port from now on, if it was not asked for and was not given up before."""
        first = self._settings.port
        asked = first is not None and port in range(first, first + self._settings.nodes)
        if asked or port in self._refused:
            return False
        self._refused.add(port)
        return True

    def plan(self, store_dir: str) -> GroupPlan:
        """The plan with the ports that the nodes have had, as far as they can be had, else free ones."""
        first, nodes = self._request.first_port, self._settings.nodes
        first_client, first_monitor = first_ports(first, nodes)
        choice = choose_ports(
            nodes,
            group=self._group.name,
            first_client=first_client,
            first_monitor=first_monitor,
            asked=self._settings.port,
            keep=[
                (self._kept(node, node.client_port), self._kept(node, node.monitor_port))
                for node in (self._before.nodes if self._before else ())
            ],
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
        """For nodes that share the host's network: the ports of their routes, and what the servers bind.

        Those that they have had, as long as that can be.
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
        """The port that the node has had, unless the node is down and something else has it, or is to."""
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
