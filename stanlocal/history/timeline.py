"""The timeline of a group: its events, derived from occurrences. Pure.

`Timeline` replays occurrences in the order of time, keeps the facts of each node, has `model.assessment`
assess them after each, and yields the changes. The same replay gives the past (`events`) and the present
(`events -f`), so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from stanlocal.history.failovers import FailoverTracker
from stanlocal.history.occurrences import (
    Cut,
    Ended,
    Frozen,
    Healed,
    Hit,
    LockFileGone,
    Logged,
    Occurrence,
    Outage,
    Rejoined,
    Thawed,
)
from stanlocal.logs import event_types as ev
from stanlocal.logs.line_patterns import LogLine
from stanlocal.logs.node_facts import advance
from stanlocal.model.assessment import assess
from stanlocal.model.instance import Instance
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupStatus, LockFacts, LogFacts, NodeFacts
from stanlocal.util.timestamps import rfc3339

EventType = Literal["state", "group-state", "fault", "heal", "failover", "lock", "problem"]

_PROBLEMS = (
    ev.LockError,
    ev.ForeignActive,
    ev.HeartbeatFailed,
    ev.ClusterNameConflict,
    ev.DuplicateServerName,
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event, as users see it."""

    time: datetime
    type: EventType
    node: str | None
    """Name of the node; None when it concerns the whole group."""
    detail: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """Return the event as the contract shows it."""
        return {"time": rfc3339(self.time), "type": self.type, "node": self.node, "detail": self.detail}


def in_words(event: Event) -> str:
    """Describe an event in words."""
    detail = event.detail
    match event.type:
        case "state":
            if detail["from"] == detail["to"]:
                cut = "isolated" if detail.get("isolated") else "partitioned"
                marks = [*(["paused"] if detail["paused"] else []), *([cut] if detail["partitioned"] else [])]
                return ", ".join([detail["to"], *(marks or ["recovered"])])
            return f"{detail['from']} -> {detail['to']}"
        case "group-state":
            problem = f": {detail['problem']}" if detail["problem"] else ""
            return f"{detail['from']} -> {detail['to']}{problem}"
        case "fault" | "heal":
            return str(detail["name"])
        case "failover":
            phases = [f"{name} {ms:.0f} ms" for name, ms in detail["phases_ms"].items() if ms is not None]
            return f"{detail['cause']}: {detail['from']} -> {detail['to']} ({', '.join(phases)})"
        case "lock":
            return "took the store lock" if event.node else f"the lock file was {detail['lock_file']}"
        case _:
            return str(detail["problem"])


def as_line(event: Event) -> str:
    """Return the event as a line for people, with its local time."""
    time = event.time.astimezone().strftime("%H:%M:%S.%f")[:-3]
    return f"{time}  {event.type:<11} {event.node or '':<8} {in_words(event)}".rstrip()


class Timeline:
    """Replay of one group's occurrences, from which its events are derived."""

    def __init__(self, plan: GroupPlan) -> None:
        self._facts = {
            node.name: NodeFacts(_unborn(plan, node.name, node.index), LogFacts()) for node in plan.nodes
        }
        self._failovers = FailoverTracker()
        self._status = self._assess()

    def observe(self, occurrence: Occurrence) -> Iterator[Event]:
        """Yield the events of an occurrence; there are none for nodes that left the group."""
        if occurrence.node is None:
            self._failovers.observe(occurrence)
            yield from _direct_events(occurrence)
            return
        if occurrence.node not in self._facts:
            return
        yield from _direct_events(occurrence)
        self._facts[occurrence.node] = _apply(self._facts[occurrence.node], occurrence)
        before, self._status = self._status, self._assess()
        yield from _changes(before, self._status, occurrence.time, occurrence.node)
        failover = self._failovers.observe(occurrence)
        if failover is not None:
            yield Event(occurrence.time, "failover", occurrence.node, failover.document())

    @property
    def status(self) -> GroupStatus:
        """The group's status after the last occurrence."""
        return self._status

    def _assess(self) -> GroupStatus:
        return assess(list(self._facts.values()), LockFacts())


def replay(plan: GroupPlan, occurrences: Iterable[Occurrence]) -> list[Event]:
    """Return all events of the past, oldest first."""
    timeline = Timeline(plan)
    return [event for occurrence in occurrences for event in timeline.observe(occurrence)]


def statuses(plan: GroupPlan, occurrences: Iterable[Occurrence]) -> Iterator[tuple[datetime, GroupStatus]]:
    """Yield the group's status after each occurrence, with its time."""
    timeline = Timeline(plan)
    for occurrence in occurrences:
        for _ in timeline.observe(occurrence):
            pass
        yield occurrence.time, timeline.status


def _unborn(plan: GroupPlan, name: str, index: int) -> Instance:
    return Instance(
        group=plan.group,
        name=name,
        index=index,
        id="",
        status="created",
        pid=None,
        exit_code=None,
        error=None,
        started_at=None,
        finished_at=None,
        routes_connected=True,
        clients_connected=True,
        fingerprint="",
        plan=plan,
    )


def _apply(facts: NodeFacts, occurrence: Occurrence) -> NodeFacts:
    instance, what = facts.instance, occurrence.what
    match what:
        case Ended():
            known = what.exit_code if what.exit_code is not None else instance.exit_code
            ended = replace(instance, status="exited", exit_code=known, finished_at=occurrence.time)
            return replace(facts, instance=ended, end_recorded=what.recorded or facts.end_recorded)
        case Frozen():
            return replace(facts, instance=replace(instance, status="paused"))
        case Thawed() if instance.status == "paused":
            return replace(facts, instance=replace(instance, status="running"))
        case Cut(clients):
            cut = replace(instance, routes_connected=False, clients_connected=not clients)
            return replace(facts, instance=cut)
        case Rejoined():
            return replace(facts, instance=replace(instance, routes_connected=True, clients_connected=True))
        case Logged():
            log = advance(facts.log, _as_line(occurrence, what))
            if isinstance(what.event, ev.Boot):
                instance = replace(
                    instance, status="running", started_at=occurrence.time, finished_at=None, exit_code=None
                )
                return replace(facts, instance=instance, log=log, end_recorded=False)
            return replace(facts, log=log)
    return facts


def _as_line(occurrence: Occurrence, what: Logged) -> LogLine:
    return LogLine(occurrence.time, True, None, True, what.message, what.message, what.event)


def _direct_events(occurrence: Occurrence) -> Iterator[Event]:
    """Yield the events that follow from the occurrence alone, not from a change of state."""
    match occurrence.what:
        case Hit(fault):
            yield Event(occurrence.time, "fault", occurrence.node, fault.document())
        case Healed(fault):
            yield Event(occurrence.time, "heal", occurrence.node, fault.document())
        case Outage() as outage:
            yield Event(occurrence.time, "problem", None, {"problem": _outage(outage)})
        case LockFileGone(how):
            yield Event(occurrence.time, "lock", None, {"lock_file": how})
        case Logged(ev.LockTaken(), message):
            yield Event(occurrence.time, "lock", occurrence.node, {"lock": "taken", "line": message})
        case Logged(event, message) if event.fatal or isinstance(event, _PROBLEMS):
            yield Event(occurrence.time, "problem", occurrence.node, {"problem": message})


def _outage(outage: Outage) -> str:
    ms = (outage.first_ack - outage.last_ack).total_seconds() * 1000
    return f"a client's publishes were not acknowledged for {ms:.0f} ms"


def _changes(before: GroupStatus, after: GroupStatus, time: datetime, node: str) -> Iterator[Event]:
    old, new = before.node(node), after.node(node)
    if (old.state, old.paused, old.partitioned) != (new.state, new.paused, new.partitioned):
        detail = {
            "from": old.state.value,
            "to": new.state.value,
            "paused": new.paused,
            "partitioned": new.partitioned,
            "isolated": new.partitioned and not new.instance.clients_connected,
        }
        yield Event(time, "state", node, detail)
    if before.state is not after.state:
        change: dict[str, Any] = {
            "from": before.state.value,
            "to": after.state.value,
            "active": after.active,
            "problem": after.problem,
        }
        yield Event(time, "group-state", None, change)
