"""The states of nodes and of a group, and the facts that they are derived from. Pure.

`stanlocal.model.assessment` derives the states.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stanlocal.model.instance import Instance

ENDED_AS_ASKED = (0, 143)
"""Exit codes of a server that was told to end: SIGINT, SIGTERM."""


class NodeState(StrEnum):
    """What one node is."""

    CREATED = "created"
    STARTING = "starting"
    STANDBY = "standby"
    RECOVERING = "recovering"
    """Has the store lock and reads the store; serves nobody yet."""
    ACTIVE = "active"
    """The streaming server is ready: clients are served."""
    STOPPED = "stopped"
    """Ended as asked."""
    FAILED = "failed"
    """Ended in any other way."""


class GroupState(StrEnum):
    """What the nodes together are; the first that fits, in this order."""

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
    """What a node's log says."""

    role: NodeState | None = None
    """Of the current run: starting, standby, recovering or active; None when the log does not tell."""
    served_at: datetime | None = None
    """The last moment at which the log shows that it served, in this run or an earlier one."""
    failure: str | None = None
    """The line that says why the run ended or cannot go on."""
    lock_busy: str | None = None
    """The line that says the store lock could not be had, since the node is a standby."""
    nats_lost: str | None = None
    """The line that says that the node has lost the NATS server; None while it has it."""
    version: str | None = None
    """Of the server."""
    booted_at: datetime | None = None
    """When the run that it tells of wrote its first line."""
    kept_from: datetime | None = None
    """When the first line was written that is kept, of a run whose beginning is not."""


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


@dataclass(frozen=True, slots=True)
class LockFacts:
    """Who holds the lock on the store's lock file."""

    visible: bool = False
    """Whether that can be seen at all; only where the nodes' processes are in this kernel's lock table."""
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
        """Whether there is a way from clients to it."""
        return self.instance.clients_connected and not self.nats_lost

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
        """The node of that name; `KeyError` when there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def states(self) -> dict[str, str]:
        """Each node's state by its name."""
        return {node.name: node.state.value for node in self.nodes}
