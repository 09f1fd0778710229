"""The timeline of a drill as lanes: states of nodes, faults in force, outages, losses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from stanlocal.drill.analysis.findings import Findings
from stanlocal.drill.ledger.entries import Note


@dataclass(frozen=True, slots=True)
class Bar:
    """A state and its duration, drawn as a bar; times are seconds since the drill's start."""

    begin: float
    end: float
    kind: str
    """A node's state, or `fault`, `outage`, `lost`; it decides the colour."""
    text: str
    """Text of its tooltip."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The bars of one node or topic, in the order of time."""

    name: str
    bars: tuple[Bar, ...]


def length_s(found: Findings) -> float:
    """Return the drill's length in seconds; never 0, as it is a divisor."""
    times = [note.time for note in found.notes]
    return max(_since(found, max(filter(None, [found.ended, *times]), default=found.header.started)), 0.001)


def lanes(found: Findings) -> list[Lane]:
    """Return a lane for each node, for the faults, for outages, and for losses, if any."""
    topics = [
        Lane("faults", tuple(_faults(found))),
        Lane("no acks", tuple(_outages(found))),
        Lane("lost", tuple(_lost(found))),
    ]
    return [*_nodes(found), *(lane for lane in topics if lane.bars or lane.name != "lost")]


def _nodes(found: Findings) -> Iterator[Lane]:
    notes = sorted(
        (note for note in found.notes if note.kind in ("nodes", "role")), key=lambda note: note.time
    )
    changes: dict[str, list[tuple[float, str]]] = {}
    for note in notes:
        for node, state in _states(note):
            changes.setdefault(node, []).append((_since(found, note.time), state))
    for node, changed in sorted(changes.items()):
        ends = [*(time for time, _ in changed[1:]), length_s(found)]
        bars = (
            Bar(begin, end, state.split(",")[0], f"{node} {state}")
            for (begin, state), end in zip(changed, ends, strict=True)
        )
        yield Lane(node, tuple(bars))


def _states(note: Note) -> Iterable[tuple[str, str]]:
    """Return the nodes in the note, with their states from then on."""
    if note.kind == "nodes":
        states = note.fields.get("states")
        return [(str(node), str(state)) for node, state in states.items()] if isinstance(states, dict) else []
    marks = [mark for mark in ("paused", "partitioned") if note.fields.get(mark)]
    state = str(note.fields.get("to"))
    kind = marks[0] if marks else state
    return [(str(note.fields.get("node")), ", ".join([kind, *([state] if marks else ())]))]


def _faults(found: Findings) -> Iterator[Bar]:
    ended = {
        str(note.fields.get("id")): _since(found, note.time) for note in found.notes if note.kind == "heal"
    }
    seen = set[str]()
    for note in found.notes:
        id_ = str(note.fields.get("id"))
        if note.kind == "fault" and id_ not in seen:
            seen.add(id_)
            begin, end = _since(found, note.time), ended[id_] if id_ in ended else length_s(found)
            yield Bar(begin, max(begin, end), "fault", fault_text(note.fields))


def _outages(found: Findings) -> Iterator[Bar]:
    for each in found.outages:
        if each.publisher is None:
            after = f" after {each.fault}" if each.fault else ""
            text = f"no acks for {each.ms:,.0f} ms{after}"
            yield Bar(_since(found, each.began), _since(found, each.ended), "outage", text)


def _lost(found: Findings) -> Iterator[Bar]:
    for each in found.lost_messages:
        if each.acked_from is not None and each.acked_to is not None:
            yield Bar(_since(found, each.acked_from), _since(found, each.acked_to), "lost", str(each))


def fault_text(fault: object) -> str:
    """Return a fault's document in words, such as `kill stan-0`."""
    if not isinstance(fault, dict):
        return "a fault"
    targets = fault.get("targets")
    return " ".join([str(fault.get("name")), *(map(str, targets) if isinstance(targets, list) else ())])


def ticks(length: float, most: int = 10) -> Sequence[float]:
    """Return round times on an axis of `length` seconds, in at most `most` steps."""
    step = next(each for each in _STEPS if length / each <= most)
    return [step * number for number in range(int(length // step) + 1)]


_STEPS = [
    *(base * 10**power for power in range(-3, 1) for base in (1, 2, 5)),
    *(base * 60.0 * 10**power for power in range(12) for base in (0.25, 0.5, 1, 2, 5)),
]
"""Steps of an axis, from milliseconds to centuries, as a note's date may be wrong."""


def clock(seconds: float) -> str:
    """Return a time as `1:05` or `0:07`, with tenths where they matter."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}" if rest % 1 else f"{int(minutes)}:{int(rest):02}"


def _since(found: Findings, moment: datetime) -> float:
    return max((moment - found.header.started).total_seconds(), 0.0)
