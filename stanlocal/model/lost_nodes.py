"""The role of a node whose machine does not answer, from what the other nodes did. Pure.

Nothing can be asked there, and its log cannot be read: what is left is the history of the others. A standby
takes over only when the active node is gone or out of its sight. So if one took over while the lost node had
been running for long, and no other node's end explains it, then the lost node was the active one, and may
still be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from stanlocal.model.states import NodeFacts, NodeState

_FIRST_WAIT = timedelta(seconds=3)
"""Longest time from a server's first line until it takes a free lock: 1.4 s, more on a busy machine."""
_TAKEOVER = timedelta(seconds=20)
"""Longest time from the end of the active node, or its last heartbeat, until another takes the lock."""


def role_of_lost(lost: NodeFacts, group: Sequence[NodeFacts]) -> NodeState:
    """Return the node's role as far as the others show it; `STARTING` if none of them serves."""
    if not _serving(group):
        return NodeState.STARTING
    return NodeState.ACTIVE if former_actives(group) == (lost.instance.name,) else NodeState.STANDBY


def former_actives(group: Sequence[NodeFacts]) -> tuple[str, ...]:
    """Return the names of lost nodes of which one was active when another node took over, and may still be.

    Empty unless the takeover is explained by that alone.
    """
    serving = _serving(group)
    taken = [fact.log.lock_taken_at for fact in serving if fact.log.lock_taken_at is not None]
    if not taken or any(_found_it_free(fact) for fact in serving):
        return ()
    last = max(taken)
    if not all(fact in serving or _ran_long_before(fact, last) for fact in group):
        return ()
    return tuple(fact.instance.name for fact in group if fact.out_of_sight and fact.log.role is None)


def _serving(group: Sequence[NodeFacts]) -> list[NodeFacts]:
    return [fact for fact in group if fact.log.role is NodeState.ACTIVE and fact.out_of_sight is None]


def _found_it_free(fact: NodeFacts) -> bool:
    """Whether the server took the lock in its first moments: no other had it then."""
    booted, taken = fact.log.booted_at, fact.log.lock_taken_at
    return booted is not None and taken is not None and taken - booted < _FIRST_WAIT


def _ran_long_before(fact: NodeFacts, time: datetime) -> bool:
    """Whether the node's present run began so long before `time` that it has nothing to do with it."""
    started = fact.instance.started_at
    return started is not None and started < time - _TAKEOVER
