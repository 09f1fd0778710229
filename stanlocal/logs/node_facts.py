"""Facts about a node from its log: its milestones, folded line by line. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stanlocal.logs import event_types as ev
from stanlocal.logs.line_patterns import LogLine
from stanlocal.model.states import LogFacts, NodeState

_ROLES: dict[type[ev.LogEvent], NodeState] = {
    ev.StandbyStarted: NodeState.STANDBY,
    ev.LockTaken: NodeState.RECOVERING,
    ev.RecoveryStarted: NodeState.RECOVERING,
    ev.StreamingReady: NodeState.ACTIVE,
}

_FT_CONNECTION = "-ft"
"""End of the name of the connection that carries FT heartbeats."""


def advance(facts: LogFacts, line: LogLine) -> LogFacts:
    """Return the facts after one more line."""
    event = line.event
    if line.level is not None and facts.booted_at is None and facts.kept_from is None:
        facts = replace(facts, kept_from=line.time)  # the log lacks the first line of this run
    if event is None:
        return facts
    if isinstance(event, ev.Boot):
        served_at = line.time if facts.role is NodeState.ACTIVE else facts.served_at
        return LogFacts(
            role=NodeState.STARTING, served_at=served_at, version=event.version, booted_at=line.time
        )
    if event.fatal:
        return replace(facts, failure=facts.failure or line.message)
    if isinstance(event, ev.LockBusy | ev.LockError):
        return replace(facts, lock_busy=line.message)
    if isinstance(event, ev.HeartbeatFailed):
        return replace(facts, nats_lost=line.message)
    if isinstance(event, ev.NatsLost | ev.NatsBack) and event.connection.endswith(_FT_CONNECTION):
        return replace(facts, nats_lost=line.message if isinstance(event, ev.NatsLost) else None)
    role = _ROLES.get(type(event))
    if role is None:
        return facts
    return replace(
        facts,
        role=role,
        lock_busy=None,
        served_at=line.time if role is NodeState.ACTIVE else facts.served_at,
        lock_taken_at=line.time if isinstance(event, ev.LockTaken) else facts.lock_taken_at,
    )


def fold(lines: Iterable[LogLine], facts: LogFacts | None = None) -> LogFacts:
    """Return the facts after all these lines, oldest first."""
    facts = facts or LogFacts()
    for line in lines:
        facts = advance(facts, line)
    return facts
