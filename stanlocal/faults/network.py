"""Slow and flaky networks: delays and broken connections, in groups with a proxy in their path.

A proxy sees connections, not packets, so it cannot drop packets. It causes what dropped packets look like
through TCP: a delay, a connection that goes silent, or one that ends.
"""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Literal, get_args

from stanlocal.engine.base import Ability
from stanlocal.errors import ProxyDown, Refused, SettingsError, Unsupported
from stanlocal.faults.base import Fault, Scene
from stanlocal.faults.connect_latency import seconds_to_info
from stanlocal.faults.expectation import Expectation, names, nothing_follows
from stanlocal.faults.parameters import parameter
from stanlocal.faults.toxics import Toxic, add_toxics, remove_toxics
from stanlocal.group.core import Group
from stanlocal.model.fault_record import Condition, FaultRecord
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.model.proxy_routes import Between, ProxyRoute, routes_at
from stanlocal.model.states import GroupStatus, NodeStatus
from stanlocal.util.tasks import together

_INFO_TIMEOUT_S = 1.0
"""Seconds to wait for a server's INFO line, which takes milliseconds on an undisturbed network."""
_CLIENTS = 20
"""Number of connections by which the share of broken ones is measured."""


@dataclass(frozen=True, slots=True)
class NetworkFault(Fault):
    """A fault of the targets' connections; it lasts until it is healed."""

    needs: ClassVar[tuple[Ability, ...]] = ("condition",)
    leaves: ClassVar[Condition | None] = "other"
    default_targets: ClassVar[tuple[str, ...]] = ("@all",)

    between: Literal["clients", "nodes", "all"] = parameter(
        "clients", "--between", "Connections of a TARGET that are hit: with clients, other nodes, or both"
    )

    @abstractmethod
    def toxics(self) -> tuple[Toxic, ...]:
        """Return the toxics that the proxy applies to each connection."""

    @abstractmethod
    def effect(self) -> str:
        """Return the effect as part of a sentence, for the prediction."""

    @abstractmethod
    async def felt(self, plan: GroupPlan, node: NodePlan) -> str:
        """Measure the effect on new clients of the node; return it as a phrase."""

    def _kinds(self) -> tuple[Between, ...]:
        return get_args(Between) if self.between == "all" else (self.between,)

    def check(self, scene: Scene) -> None:
        engine, group = scene.group.engine, scene.plan.group
        if not engine.placement.own_network:
            raise Unsupported(
                f"{self.name} is unavailable with the {engine.name} engine, because its nodes have no "
                "network with a proxy in it; use a group made with '--engine docker up --proxied'"
            )
        if not scene.plan.proxied:
            raise Refused(
                f"{self.name} is unavailable here, because group '{group}' has no proxy in its path; "
                f"recreate it with one by 'stanlocal --group {group} up --proxied'"
            )
        if not self._routes(scene.plan, [node.name for node in scene.targets]):
            raise Refused(f"{self.name} between nodes needs another node; see 'stanlocal up --nodes'")

    def _routes(self, plan: GroupPlan, nodes: Collection[str]) -> Sequence[ProxyRoute]:
        return routes_at(plan, nodes, self._kinds())

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        hit = "all nodes" if len(targets) == len(status.nodes) else names(targets)
        others = "" if len(targets) == len(status.nodes) else " and the others"
        ends = {
            "clients": f"between clients and {hit}",
            "nodes": f"between {hit}{others}",
            "all": f"between clients and {hit}, and between {hit}{others},",
        }
        who = f"{status.active} keeps the store lock" if status.active else "no node served before"
        text = f"no failover: {who}; {ends[self.between]} {self.effect()}"
        return nothing_follows(text, status, (status.state,), active=status.active)

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        mark = secrets.token_hex(4)
        scene.note({"mark": mark, "between": self._kinds()})
        routes = self._routes(scene.plan, [node.name for node in scene.targets])
        hit = datetime.now(UTC)
        await add_toxics(scene.group.engine, scene.plan, routes, self.toxics(), mark)
        if "clients" in self._kinds():
            nodes = [scene.plan.node(node.name) for node in scene.targets]
            felt = await together(*(self.felt(scene.plan, node) for node in nodes))
            scene.note({"felt": ", ".join(felt)})
        return dict.fromkeys((node.name for node in scene.targets), hit)

    @classmethod
    async def undo(cls, group: Group, fault: FaultRecord, nodes: Collection[str]) -> None:
        """Free the routes of `nodes`, except those to a node on which the fault continues."""
        if "mark" not in fault.notes:
            return
        plan, _ = await group.find()
        still = set(fault.targets) - fault.healed.keys() - set(nodes)
        between = fault.notes["between"]
        kept = routes_at(plan, still, between)
        freed = [route for route in routes_at(plan, nodes, between) if route not in kept]
        with suppress(ProxyDown):  # its toxics ended with it
            await remove_toxics(group.engine, plan, freed, fault.notes["mark"])


@dataclass(frozen=True, slots=True)
class SlowNetwork(NetworkFault):
    """Everything arrives, but later or more slowly."""

    name: ClassVar[str] = "slow-network"
    summary: ClassVar[str] = "delay what clients and nodes send, or let little through (a group up --proxied)"

    latency_ms: int = parameter(200, "--latency", "Milliseconds added to each message, each way", "MS")
    jitter_ms: int = parameter(0, "--jitter", "Milliseconds by which the latency varies", "MS")
    """Each piece of data gets a random share of it."""
    bandwidth_kb: int | None = parameter(
        None, "--bandwidth", "KB per second that a connection lets through; all by default", "KB"
    )
    """KB are 1000 bytes; it holds for each way."""

    def __post_init__(self) -> None:
        if self.latency_ms < 0 or not 0 <= self.jitter_ms <= self.latency_ms:
            raise SettingsError(
                [
                    f"a latency of {self.latency_ms} ms ± {self.jitter_ms} ms: neither can be below 0, nor "
                    "the jitter above the latency"
                ]
            )
        if self.bandwidth_kb is not None and self.bandwidth_kb < 1:
            raise SettingsError([f"a bandwidth of {self.bandwidth_kb} KB/s: has to be 1 or more"])
        if not self.toxics():
            raise SettingsError(["slow-network with no latency and no limit of bandwidth would do nothing"])

    def toxics(self) -> tuple[Toxic, ...]:
        found = []
        if self.latency_ms:
            found.append(Toxic("latency", {"latency": self.latency_ms, "jitter": self.jitter_ms}))
        if self.bandwidth_kb is not None:
            found.append(Toxic("bandwidth", {"rate": self.bandwidth_kb}))
        return tuple(found)

    async def felt(self, plan: GroupPlan, node: NodePlan) -> str:
        took = await seconds_to_info(plan, node, _INFO_TIMEOUT_S + (self.latency_ms + self.jitter_ms) / 1000)
        if took is None:
            return f"{node.name} sends no INFO line"
        return f"{node.name} sends INFO to a client after {1000 * took:.0f} ms"

    def effect(self) -> str:
        said = []
        if self.latency_ms:
            spread = f" ± {self.jitter_ms} ms" if self.jitter_ms else ""
            said.append(
                f"each message takes {self.latency_ms} ms{spread} longer, an answer {2 * self.latency_ms} ms"
            )
        if self.bandwidth_kb is not None:
            said.append(f"a connection carries {self.bandwidth_kb} KB/s each way")
        return " and ".join(said)


@dataclass(frozen=True, slots=True)
class FlakyNetwork(NetworkFault):
    """Connections end or go silent; their owners have to notice and reconnect."""

    name: ClassVar[str] = "flaky-network"
    summary: ClassVar[str] = "reset, break or silence connections of clients and nodes (a group up --proxied)"

    reset_percent: int = parameter(20, "--reset", "Share of connections that are reset", "PERCENT")
    """The reset (RST) comes as soon as something is sent."""
    silent_percent: int = parameter(0, "--silent", "Share of connections that go silent", "PERCENT")
    """A silent connection stays open, and nothing arrives on it, as if each packet were lost."""
    limit_kb: int | None = parameter(64, "--limit", "KB after which each connection ends; 0: never", "KB")
    """KB are 1000 bytes, each way; None for never."""

    def __post_init__(self) -> None:
        for what, percent in (("resets", self.reset_percent), ("silence", self.silent_percent)):
            if not 0 <= percent <= 100:
                raise SettingsError([f"{what} on {percent} % of the connections: give 0 to 100"])
        if self.limit_kb is not None and self.limit_kb < 1:
            raise SettingsError([f"connections that end after {self.limit_kb} KB: give 1 or more"])
        if not self.toxics():
            raise SettingsError(["flaky-network without resets, silence and limit would do nothing"])

    def toxics(self) -> tuple[Toxic, ...]:
        found = []
        if self.reset_percent:
            # In NATS the side that accepts a connection speaks first.
            found.append(Toxic("reset_peer", {"timeout": 0}, self.reset_percent / 100, ("downstream",)))
        if self.silent_percent:
            found.append(Toxic("timeout", {"timeout": 0}, self.silent_percent / 100))
        if self.limit_kb is not None:
            found.append(Toxic("limit_data", {"bytes": self.limit_kb * 1000}))
        return tuple(found)

    async def felt(self, plan: GroupPlan, node: NodePlan) -> str:
        times = await together(*(seconds_to_info(plan, node, _INFO_TIMEOUT_S) for _ in range(_CLIENTS)))
        reached = sum(took is not None for took in times)
        return f"{node.name} sends INFO to {reached} of {_CLIENTS} clients"

    def effect(self) -> str:
        said = []
        if self.reset_percent:
            said.append(f"{self.reset_percent} % of the connections are reset")
        if self.silent_percent:
            said.append(f"{self.silent_percent} % go silent")
        if self.limit_kb is not None:
            said.append(f"each ends after {self.limit_kb} KB")
        return (
            f"{', '.join(said)}: what was under way is lost with them, and a publish that is sent again "
            "may be stored twice"
        )
