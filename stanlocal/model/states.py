"""The states of nodes and of a group, and the facts that they are derived from. Pure.

`stanlocal.model.assessment` derives the states.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stanlocal.model.instance import Instance

ENDED_AS_ASKED = (0, 143)
"""Exit codes of a server after SIGINT and SIGTERM."""


class NodeState(StrEnum):
    """The state of one node."""

    CREATED = "created"
    STARTING = "starting"
    STANDBY = "standby"
    RECOVERING = "recovering"
    """Has the store lock and reads the store; serves no clients yet."""
    ACTIVE = "active"
    """The streaming server is ready: clients are served."""
    STOPPED = "stopped"
    """Ended as asked."""
    FAILED = "failed"
    """Ended in any other way."""


class GroupState(StrEnum):
    """The state of the group."""

    DOWN = "down"
    STARTING = "starting"
    SPLIT_BRAIN = "split-brain"
    RECOVERING = "recovering"
    BLOCKED = "blocked"
    FAILOVER = "failover"
    DEGRADED = "degraded"
    HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class LogFacts:
    """Facts from a node's log."""

    role: NodeState | None = None
    """Role in the current run (starting, standby, recovering or active); None if the log does not show it."""
    served_at: datetime | None = None
    """The last moment at which the log shows that it served, in this run or an earlier one."""
    failure: str | None = None
    """Line with the reason why the run ended or cannot continue."""
    lock_busy: str | None = None
    """Line that says another process has the store lock, since the node is a standby."""
    nats_lost: str | None = None
    """Line that says the node has lost the NATS server; None while it is connected."""
    version: str | None = None
    """Version of the server."""
    booted_at: datetime | None = None
    """Time of the first line of the last run in the log."""
    lock_taken_at: datetime | None = None
    """Time at which it took the store lock in this run."""
    kept_from: datetime | None = None
    """Time of the first kept line, if the beginning of its run is not kept."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """Everything observed about one node at one moment."""

    instance: Instance
    log: LogFacts
    monitor: str | None = None
    """The FT state that the monitor answered (`FT_ACTIVE`, `FT_STANDBY`) in its last run; None when it did
    not answer."""
    monitor_version: str | None = None
    """The server's version, as the monitor answered it."""
    end_recorded: bool = False
    """Whether the end of the last run is the effect of a recorded fault."""
    unread: str | None = None
    """Reason why its log cannot be read now, as its machine does not answer; None where it can."""

    @property
    def out_of_sight(self) -> str | None:
        """Reason why nothing shows what its process does now; None where something does."""
        if not self.instance.running or self.monitor is not None:
            return None
        return self.instance.lost or self.unread


@dataclass(frozen=True, slots=True)
class LockFacts:
    """The holder of the lock on the store's lock file."""

    visible: bool = False
    """Whether the holder can be seen: only if the nodes' processes are in this kernel's lock table."""
    holder: str | None = None
    """The node that holds it."""
    stranger: str | None = None
    """The process outside the group that holds it."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node, assessed."""

    instance: Instance
    state: NodeState
    paused: bool
    partitioned: bool
    problem: str | None
    nats_lost: bool = False
    """Whether it has lost the NATS server over which clients and other nodes reach it."""
    out_of_sight: bool = False
    """Whether its machine does not answer, so that its state is that of the last moment that is known of."""

    @property
    def name(self) -> str:
        return self.instance.name

    @property
    def holds_store(self) -> bool:
        """Whether it took the store lock in this run, going by its log."""
        return self.state in (NodeState.ACTIVE, NodeState.RECOVERING)

    @property
    def serves(self) -> bool:
        """Whether a client that can reach it is served."""
        return self.state is NodeState.ACTIVE and not self.paused and self.reachable

    @property
    def reachable(self) -> bool:
        """Whether clients can reach it."""
        return self.instance.clients_connected and not self.nats_lost and not self.out_of_sight

    @property
    def usable_standby(self) -> bool:
        """Whether it would take over."""
        cut = self.partitioned or self.nats_lost
        return self.state is NodeState.STANDBY and not self.paused and not cut


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """The group, assessed."""

    nodes: tuple[NodeStatus, ...]
    state: GroupState
    active: str | None
    """The node that serves, when exactly one does."""
    lock_holder: str | None
    problem: str | None
    server_version: str | None = None

    def node(self, name: str) -> NodeStatus:
        """Return the node of that name; raise `KeyError` if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def failed(self, names: Container[str]) -> NodeStatus | None:
        """Return the first of these nodes that has failed; None if none has."""
        failed = (node for node in self.nodes if node.state is NodeState.FAILED and node.name in names)
        return next(failed, None)

    @property
    def all_failed(self) -> bool:
        """Whether every node has failed; True also without nodes."""
        return all(node.state is NodeState.FAILED for node in self.nodes)

    def is_back(self, name: str) -> bool:
        """Whether a node is active, and `name` serves or is a usable standby."""
        node = next((node for node in self.nodes if node.name == name), None)
        return node is not None and self.active is not None and (node.serves or node.usable_standby)

    @property
    def states(self) -> dict[str, str]:
        """State of each node, by its name."""
        return {node.name: node.state.value for node in self.nodes}
