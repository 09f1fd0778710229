"""A drill as lanes over time: what nodes were, which faults were in force, when nobody was served. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from stanlocal.drill.analysis.findings import Findings
from stanlocal.drill.ledger.entries import Note


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that was so for a while; times are seconds since the drill's start."""

    begin: float
    end: float
    kind: str
    """A node's state, or `fault`, `outage`, `lost`: what it is coloured by."""
    text: str
    """What it was, for who points at it."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What was so of one thing, in the order of time."""

    name: str
    bars: tuple[Bar, ...]


def length_s(found: Findings) -> float:
    """How long the drill was, in seconds; never 0, as things are divided by it."""
    told = [note.time for note in found.notes]
    return max(_since(found, max(filter(None, [found.ended, *told]), default=found.header.started)), 0.001)


def lanes(found: Findings) -> list[Lane]:
    """A lane for each node, one for the faults, one for outages, and one for what was lost, if anything."""
    told = [
        Lane("faults", tuple(_faults(found))),
        Lane("no acks", tuple(_outages(found))),
        Lane("lost", tuple(_lost(found))),
    ]
    return [*_nodes(found), *(lane for lane in told if lane.bars or lane.name != "lost")]


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
    """The nodes that the note tells of, and what they are from then on."""
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
    """`kill stan-0`, from the document of a fault."""
    if not isinstance(fault, dict):
        return "a fault"
    targets = fault.get("targets")
    return " ".join([str(fault.get("name")), *(map(str, targets) if isinstance(targets, list) else ())])


def ticks(length: float, most: int = 10) -> Sequence[float]:
    """Round moments on an axis of so many seconds, `most` of them at most."""
    step = next(each for each in _STEPS if length / each <= most)
    return [step * number for number in range(int(length // step) + 1)]


_STEPS = [
    *(base * 10**power for power in range(-3, 1) for base in (1, 2, 5)),
    *(base * 60.0 * 10**power for power in range(12) for base in (0.25, 0.5, 1, 2, 5)),
]
"""Lengths of a step of an axis: from thousandths of a second on, to centuries: a note may be dated wrong."""


def clock(seconds: float) -> str:
    """`1:05`, `0:07`; with tenths where they matter."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}" if rest % 1 else f"{int(minutes)}:{int(rest):02}"


def _since(found: Findings, moment: datetime) -> float:
    return max((moment - found.header.started).total_seconds(), 0.0)
