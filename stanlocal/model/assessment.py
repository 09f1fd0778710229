"""The assessment of a group: which state each node and the group are in, derived from observed facts.

Pure. `assess` takes everything that was observed at one moment (`NodeFacts` for each node, `LockFacts`
for the store) and derives the states from that alone, never from an earlier guess. Which source is
believed for what:

- whether a process runs, is frozen or has ended: the engine;
- what a running server is: the milestones in its log, because the monitor says `FT_ACTIVE` as soon as
  the lock is taken, before the store is read and clients are served, and does not answer meanwhile;
- the monitor is asked besides, and a disagreement is reported as the node's problem;
- where the engine has not kept the milestones, because the node has written too much since: the monitor,
  or, of a node that is frozen or cut off, whether it has the lock;
- who keeps others from the store: the kernel's lock table, where it can be seen, else the log;
- how many nodes the group has: the largest plan of those that are there, as another `up` would make the
  rest again. A node whose container was removed from outside is no standby;
- of a node whose machine does not answer: what it logged before, else what the others did since
  (`model.lost_nodes`). It may still serve, so it counts until its engine says that it has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stanlocal.model.instance import Instance
from stanlocal.model.states import (
    ENDED_AS_ASKED,
    GroupState,
    GroupStatus,
    LockFacts,
    LogFacts,
    NodeFacts,
    NodeState,
    NodeStatus,
)


def assess(facts: Sequence[NodeFacts], lock: LockFacts) -> GroupStatus:
    """Derive the states of the nodes and of the group."""
    nodes = tuple(_assess_node(fact, lock, facts) for fact in facts)
    holder = _lock_holder(nodes, lock)
    state, problem = _assess_group(nodes, facts, lock, holder)
    serving = [node.name for node in nodes if node.serves]
    versions = (version for fact in facts if (version := fact.log.version or fact.monitor_version))
    return GroupStatus(
        nodes=nodes,
        state=state,
        active=serving[0] if len(serving) == 1 else None,
        lock_holder=holder,
        problem=problem,
        server_version=next(versions, None),
    )


def _assess_node(facts: NodeFacts, lock: LockFacts, group: Sequence[NodeFacts]) -> NodeStatus:
    instance = facts.instance
    state, problem = _node_state(facts, lock, group)
    return NodeStatus(
        instance=instance,
        state=state,
        paused=instance.status == "paused",
        partitioned=facts.out_of_sight is not None
        or (instance.running and not (instance.routes_connected and instance.clients_connected)),
        problem=problem,
        nats_lost=instance.running and not _is_behind(facts) and facts.log.nats_lost is not None,
        out_of_sight=facts.out_of_sight is not None,
    )


def _node_state(
    facts: NodeFacts, lock: LockFacts, group: Sequence[NodeFacts]
) -> tuple[NodeState, str | None]:
    instance, log = facts.instance, facts.log
    if instance.status == "created":
        return (NodeState.FAILED, instance.error) if instance.error else (NodeState.CREATED, None)
    if not instance.running:
        if instance.held or instance.exit_code in ENDED_AS_ASKED or facts.end_recorded:
            return NodeState.STOPPED, None
        why = instance.error or log.failure or "no line in its log says why"
        how = "it has ended" if instance.exit_code is None else f"exit {instance.exit_code}"
        return NodeState.FAILED, f"{how}: {why}"
    if (reason := facts.out_of_sight) is not None:
        from stanlocal.model.lost_nodes import role_of_lost  # most groups have no such node

        role = facts.log.role or role_of_lost(facts, group)
        return role, f"{reason}; its server may still run there"
    if _is_behind(facts):
        return NodeState.STARTING, None
    role = role_of(log, facts.monitor) or _role_by_lock(facts, lock)
    return role, log.failure or _disagreement(role, facts.monitor) or _nats_problem(facts)


_ROLE_OF_MONITOR = {"FT_ACTIVE": NodeState.ACTIVE, "FT_STANDBY": NodeState.STANDBY}


def role_of(log: LogFacts, monitor: str | None) -> NodeState | None:
    """Return the node's role by its log or, if that has no milestone, by its monitor's FT state.

    `FT_ACTIVE` can come too early only if the log lags behind: the server answers under a mutex that it
    holds from before it sets the state until it has written that it is ready (0.25.6, `StanServer.start`).
    """
    return log.role or _ROLE_OF_MONITOR.get(monitor or "")


def _role_by_lock(facts: NodeFacts, lock: LockFacts) -> NodeState:
    """Return the role of a node whose log and monitor show none; if it is unreachable, the lock shows it."""
    instance = facts.instance
    if instance.status == "running" and instance.clients_connected:
        return NodeState.STARTING
    if lock.holder == instance.name:
        return NodeState.ACTIVE
    # A server becomes a standby long before it could have written more than the engine keeps.
    return NodeState.STANDBY if lock.visible and facts.log.kept_from else NodeState.STARTING


def _disagreement(role: NodeState, monitor: str | None) -> str | None:
    expected = {"FT_ACTIVE": (NodeState.ACTIVE, NodeState.RECOVERING), "FT_STANDBY": (NodeState.STANDBY,)}
    if monitor not in expected or role in (NodeState.STARTING, *expected[monitor]):
        return None
    return f"its log says {role.value}, its monitor says {monitor}"


def _nats_problem(facts: NodeFacts) -> str | None:
    if facts.log.nats_lost is None:
        return None
    return f"it has lost {_nats(facts.instance)} ({facts.log.nats_lost})"


def _nats(instance: Instance) -> str:
    urls = ", ".join(instance.plan.external_nats)
    return f"the NATS server {urls}" if urls else "its NATS server"


def _lock_holder(nodes: Sequence[NodeStatus], lock: LockFacts) -> str | None:
    if lock.visible:
        return lock.holder
    if any(node.instance.plan.in_cluster for node in nodes):
        return None  # the lock is on a volume that only the pods' machines see
    holders = [node.name for node in nodes if node.holds_store]
    return holders[0] if len(holders) == 1 else None


def _assess_group(
    nodes: Sequence[NodeStatus], facts: Sequence[NodeFacts], lock: LockFacts, holder: str | None
) -> tuple[GroupState, str | None]:
    running = [node for node in nodes if node.instance.running]
    active = [node for node in nodes if node.state is NodeState.ACTIVE]
    if not running:
        return GroupState.DOWN, None
    if len(active) > 1:
        return GroupState.SPLIT_BRAIN, _split(active, facts)
    if len(active) == 1 and (hidden := _hidden_actives(nodes, facts)):
        names = " or ".join(node.name for node in hidden)
        return GroupState.SPLIT_BRAIN, (
            f"{_shown(active[0], facts)} has taken over from {names}, which may still be active over the "
            f"same store: {hidden[0].problem}; {_reach(hidden[0])}"
        )
    if any(node.serves for node in nodes):
        usable = all(node.serves or node.usable_standby for node in nodes)
        cut = any(node.serves and node.partitioned for node in nodes)
        whole = len(nodes) >= max(len(node.instance.plan.nodes) for node in nodes)
        return (GroupState.HEALTHY if usable and whole and not cut else GroupState.DEGRADED), None
    holding = [node for node in nodes if node.holds_store or node.name == holder]
    frozen = next((node for node in holding if node.paused or not node.reachable), None)
    if any(node.state is NodeState.RECOVERING and not node.paused for node in nodes):
        return GroupState.RECOVERING, None
    if frozen is not None:
        return GroupState.BLOCKED, _blocked(frozen, facts)
    if lock.stranger is not None:
        return (
            GroupState.BLOCKED,
            f"{lock.stranger}, which is not of this group, holds the store lock; end it",
        )
    if not any(node.usable_standby or node.state is NodeState.STARTING for node in running):
        return GroupState.BLOCKED, "no node that runs can take over; unpause or start one"
    if _served_before(running, facts):
        return GroupState.FAILOVER, None
    return GroupState.STARTING, None


def _split(active: Sequence[NodeStatus], facts: Sequence[NodeFacts]) -> str:
    """Return why two nodes are active: where each runs, since when, and what to do."""
    names = " and ".join(_shown(node, facts) for node in active)
    if lost := [node for node in active if node.out_of_sight]:
        return (
            f"{names} are both active over one store, as far as can be seen: {lost[0].problem}; "
            f"{_reach(lost[0])}"
        )
    return (
        f"{names} are both active over one store: the lock of one of them was not honoured; "
        "stop the one that was paused or cut off"
    )


def _reach(lost: NodeStatus) -> str:
    return f"make {lost.instance.machine or 'its machine'} reachable again, or make sure that it is off"


def _hidden_actives(nodes: Sequence[NodeStatus], facts: Sequence[NodeFacts]) -> list[NodeStatus]:
    """Return the nodes out of sight of which one was active when another took over."""
    if not any(node.out_of_sight for node in nodes):
        return []
    from stanlocal.model.lost_nodes import former_actives

    names = former_actives(facts)
    return [node for node in nodes if node.name in names]


def _shown(node: NodeStatus, facts: Sequence[NodeFacts]) -> str:
    """Return the name of an active node, with its machine and since when it serves, where it has one."""
    from stanlocal.util.timestamps import rfc3339

    machine = node.instance.machine
    since = next(fact.log.served_at for fact in facts if fact.instance.name == node.name)
    if machine is None:
        return node.name
    return f"{node.name} (on {machine}{f', since {rfc3339(since)}' if since else ''})"


def _blocked(holder: NodeStatus, facts: Sequence[NodeFacts]) -> str:
    what = "is paused" if holder.paused else "is cut off"
    cure = "unpause or kill it" if holder.paused else "heal or kill it"
    line = next((fact.log.lock_busy for fact in facts if fact.log.lock_busy), None)
    if holder.nats_lost and not holder.paused and holder.instance.clients_connected:
        what = f"has lost {_nats(holder.instance)}"
        cure = "start that server again, or make it reachable"
        line = next(fact.log.nats_lost for fact in facts if fact.instance.name == holder.name)
    seen = f" ({line})" if line else ""
    return f"{holder.name} {what} and keeps the store lock; {cure}{seen}"


def _served_before(running: Sequence[NodeStatus], facts: Sequence[NodeFacts]) -> bool:
    """Whether some node has served since the longest-running one was started."""
    starts = [node.instance.started_at for node in running if node.instance.started_at]
    served = [time for fact in facts if (time := _served_at(fact))]
    return bool(starts and served) and max(served) >= min(starts)


def _served_at(facts: NodeFacts) -> datetime | None:
    """Return the last moment at which the node served: an active one did until its end."""
    ended = facts.instance.finished_at or (facts.instance.begun_after if _is_behind(facts) else None)
    if role_of(facts.log, facts.monitor) is NodeState.ACTIVE and ended is not None:
        return ended
    return facts.log.served_at


def _is_behind(facts: NodeFacts) -> bool:
    """Whether the log has nothing of the current run yet, only of the one before."""
    begun, logged = facts.instance.begun_after, facts.log.booted_at or facts.log.kept_from
    return begun is not None and logged is not None and logged <= begun
