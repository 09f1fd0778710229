"""A drill's ledger as a story: the group, its events and its load at each moment. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from stanlocal.drill.analysis.findings import Findings
from stanlocal.drill.ledger.entries import Note
from stanlocal.errors import LedgerError
from stanlocal.group.resources import Counts
from stanlocal.history.failovers import Failover
from stanlocal.history.occurrences import Outage
from stanlocal.history.timeline import Event, EventType, in_words
from stanlocal.model.fault_record import FaultRecord
from stanlocal.model.states import GroupState, NodeState
from stanlocal.outages.gaps import Gap
from stanlocal.tui.replay import ENGINE
from stanlocal.util.timestamps import from_rfc3339

_EVENTS: Mapping[str, EventType] = {
    "role": "state",
    "said": "problem",
    "group-state": "group-state",
    "fault": "fault",
    "heal": "heal",
    "failover": "failover",
    "lock": "lock",
}
"""Types of events by the kinds of notes that record them."""


@dataclass(slots=True)
class Scene:
    """The group at one moment of the drill."""

    group: str
    state: str = "starting"
    active: str | None = None
    problem: str | None = None
    nodes: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """State and flags of each node."""
    faults: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Documents of the faults in force, by their ids."""

    def document(self) -> dict[str, Any]:
        """Return the group document; what a ledger does not have is empty."""
        nodes = [
            {
                "name": name,
                "index": index,
                "state": state,
                "paused": "paused" in flags,
                "partitioned": "partitioned" in flags,
                "container": None,
                "client_url": "",
                "monitor_url": "",
                "exit_code": None,
                "started_at": None,
                "problem": None,
            }
            for index, (name, (state, flags)) in enumerate(sorted(self.nodes.items()))
        ]
        return {
            "group": self.group,
            "engine": ENGINE,
            "state": self.state,
            "active": self.active,
            "lock_holder": None,
            "problem": self.problem,
            "store_dir": "",
            "client_urls": [],
            "monitor_urls": [],
            "nodes": nodes,
            "faults": [*self.faults.values()],
        }


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened in the drill."""

    at: float
    """Seconds since the drill's start."""
    event: Event | None = None
    doing: str | None = None
    """The drill's step that begins."""
    counts: Counts | None = None
    """Messages that the drill's clients published and received by then."""
    failovers: Sequence[Failover] | None = None
    """All failovers by then."""
    gap: Gap | None = None
    """An outage of the drill's publishers that ends."""


class Story:
    """All moments of a drill in order, and the group at its start."""

    def __init__(self, found: Findings) -> None:
        """Raises `LedgerError` for a ledger that ends before the drill saw its group."""
        self._found = found
        self.started = found.header.started
        first = next((note for note in found.notes if note.kind == "nodes"), None)
        if first is None or not isinstance(first.fields.get("states"), dict):
            raise LedgerError(
                "the ledger ends before the drill has seen its group, so there is nothing to show; "
                "see 'stanlocal drill verify'"
            )
        self._first = first
        self.moments = sorted(self._all(), key=lambda moment: moment.at)
        self.length = max([0.001, *(moment.at for moment in self.moments)])

    def scene(self) -> Scene:
        """Return the group at the start."""
        scene = Scene(self._found.header.group)
        for name, state in self._first.fields["states"].items():
            known = state in [*map(str, NodeState)]
            scene.nodes[str(name)] = (str(state) if known else NodeState.CREATED.value, ())
        serving = [name for name, (state, _) in scene.nodes.items() if state == "active"]
        scene.active = serving[0] if len(serving) == 1 else None
        changes = (moment.event for moment in self.moments if moment.event is not None)
        change = next((event for event in changes if event.type == "group-state"), None)
        before = str(change.detail["from"]) if change else ""
        scene.state = before if before in [*map(str, GroupState)] else "healthy" if scene.active else "down"
        return scene

    def faults(self, position: float) -> list[FaultRecord]:
        """Return the faults that were injected by then, with what was observed by the end; oldest first."""
        now = self.started + timedelta(seconds=position)
        last = next((note for note in reversed(self._found.notes) if note.kind == "faults"), None)
        listed = last.fields.get("faults") if last else None
        documents = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        records: list[FaultRecord] = []
        for each in documents:
            with suppress(KeyError, TypeError, ValueError, AttributeError):  # a damaged one
                records.append(_record(each, now))
        return [record for record in records if record.since <= now]

    def _all(self) -> Iterator[Moment]:
        failovers: list[Failover] = []
        whole = {each.started_at: each for each in self._whole_failovers()}
        for note in sorted(self._found.notes, key=lambda note: note.time):
            at = self._since(note.time)
            if note.kind == "step":
                yield Moment(at, doing=f"step {note.fields.get('number')}: {note.fields.get('step')}")
            elif note.kind == "problem":
                detail = {"problem": str(note.fields.get("text"))}
                yield Moment(at, event=Event(note.time, "problem", None, detail))
            elif (event := _event(note)) is not None:
                if event.type == "failover":
                    failover = Failover.from_document(event.detail)
                    failovers.append(whole.get(failover.started_at, failover))
                yield Moment(at, event=event, failovers=tuple(failovers) or None)
        yield from self._load()

    def _whole_failovers(self) -> Iterator[Failover]:
        """Yield the failovers with the client's view, which is known only after each."""
        last = next((note for note in reversed(self._found.notes) if note.kind == "failovers"), None)
        listed = last.fields.get("failovers") if last else None
        for each in listed if isinstance(listed, list) else []:
            with suppress(KeyError, TypeError, ValueError, AttributeError):  # a damaged one
                yield Failover.from_document(each)

    def _load(self) -> Iterator[Moment]:
        stored = sent = 0
        for second in self._found.rates:
            stored, sent = stored + second.acked, sent + second.delivered
            at = float(second.second + 1)
            yield Moment(at, counts=Counts(self.started + timedelta(seconds=at), stored, sent))
        for outage in self._found.outages:
            if outage.publisher is None and outage.first_ack is not None:
                felt = Outage(outage.last_ack or outage.began, None, outage.first_ack)
                yield Moment(self._since(outage.ended), gap=Gap("pub", "drill", felt))

    def _since(self, time: datetime) -> float:
        return max((time - self.started).total_seconds(), 0.0)


def _event(note: Note) -> Event | None:
    """Return the event of a note; None for one that is of another kind, or damaged."""
    if note.kind not in _EVENTS:
        return None
    detail = {key: value for key, value in note.fields.items() if key != "node"}
    node = note.fields.get("node")
    event = Event(note.time, _EVENTS[note.kind], None if node is None else str(node), detail)
    try:
        in_words(event)
        apply(Scene(""), event)
        if event.type == "failover":
            Failover.from_document(detail)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return event


def apply(scene: Scene, event: Event) -> bool:
    """Change the scene as the event did; return whether anything of the group document changed."""
    detail = event.detail
    match event.type:
        case "state" if event.node is not None:
            flags = tuple(flag for flag in ("paused", "partitioned") if detail.get(flag))
            scene.nodes[event.node] = (NodeState(detail["to"]).value, flags)
        case "group-state":
            scene.state = GroupState(detail["to"]).value
            scene.active, scene.problem = _text(detail.get("active")), _text(detail.get("problem"))
        case "fault":
            targets = [str(target) for target in detail["targets"]]
            scene.faults[str(detail["id"])] = {**detail, "name": str(detail["name"]), "targets": targets}
        case "heal":
            scene.faults.pop(str(detail["id"]), None)
        case _:
            return False
    return True


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _record(document: Mapping[str, Any], now: datetime) -> FaultRecord:
    until = document.get("until")
    healed = from_rfc3339(until) if until else None
    return FaultRecord(
        id=str(document["id"]),
        name=str(document["name"]),
        targets=tuple(map(str, document["targets"])),
        runs={},
        since=from_rfc3339(document["since"]),
        until=None,
        expected=document.get("expected"),
        ends_run=False,
        observed=document.get("observed"),
        as_expected=document.get("as_expected"),
        effective=True,
        healed_at=healed if healed is not None and healed <= now else None,
    )
