"""Ledgers as tests tell them: written down without a group, with times of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from hypothesis import strategies as st

from stanlocal.drill.analysis.checker import check
from stanlocal.drill.analysis.findings import Findings
from stanlocal.drill.ledger.entries import ABSENT, CELL, REDELIVERED, Header, Kind, Note
from stanlocal.drill.ledger.reader import LedgerReading, read_bytes
from stanlocal.drill.scenario.spec import LoadSpec
from stanlocal.util.timestamps import from_ns

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
MILLISECOND = 1_000_000


@dataclass(frozen=True)
class Event:
    """An event of the load; it gets its time when it is written down."""

    kind: Kind
    publisher: int = ABSENT
    number: int = 0
    reader: int = ABSENT
    sequence: int = 0
    flags: int = 0

    @property
    def message(self) -> tuple[int, int]:
        return self.publisher, self.number


@dataclass(frozen=True)
class Later:
    """A pause."""

    ms: int


@dataclass(frozen=True)
class Told:
    """A note."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)


Step = Event | Later | Told


@dataclass
class Story:
    """Events in order; each comes a millisecond after the one before."""

    load: LoadSpec = field(default_factory=LoadSpec)
    steps: list[Step] = field(default_factory=list)

    # One by one

    def tell(self, *steps: Step) -> Story:
        self.steps.extend(steps)
        return self

    def later(self, ms: int) -> Story:
        return self.tell(Later(ms))

    def note(self, kind: str, **fields: Any) -> Story:
        return self.tell(Told(kind, fields))

    def publish(self, publisher: int, *numbers: int) -> Story:
        return self.tell(*(Event(Kind.PUBLISHED, publisher, number) for number in numbers))

    def ack(self, publisher: int, *numbers: int) -> Story:
        return self.tell(*(Event(Kind.ACKED, publisher, number) for number in numbers))

    def refuse(self, publisher: int, number: int) -> Story:
        return self.tell(Event(Kind.REFUSED, publisher, number))

    def deliver(self, reader: int, publisher: int, number: int, sequence: int, flags: int = 0) -> Story:
        return self.tell(Event(Kind.DELIVERED, publisher, number, reader, sequence, flags))

    # As a whole

    def pieces(self) -> Iterator[bytes]:
        """The ledger's header, and each step as it is written down."""
        yield Header(self.load, drill="story", group="g", seed=7, started=START, run=1).line()
        now = int(START.timestamp()) * 1_000_000_000
        for step in self.steps:
            now += step.ms * MILLISECOND if isinstance(step, Later) else MILLISECOND
            if isinstance(step, Event):
                who = (step.publisher, step.reader, step.flags, step.kind)
                yield CELL.pack(now, step.sequence, step.number, 0, *who)
            elif isinstance(step, Told):
                text = Note(step.kind, from_ns(now), step.fields).text()
                cell = CELL.pack(now, 0, len(text), crc32(text), ABSENT, ABSENT, 0, Kind.NOTE)
                yield cell + text + b" " * (-len(text) % CELL.size)

    def written(self) -> bytes:
        """The ledger."""
        return b"".join(self.pieces())

    def reading(self) -> LedgerReading:
        return read_bytes(self.written())

    def findings(self) -> Findings:
        return check(self.reading())

    # Changed

    def events(self, kind: Kind) -> list[int]:
        """Return the places of those events."""
        return [
            place for place, step in enumerate(self.steps) if isinstance(step, Event) and step.kind is kind
        ]

    def event(self, place: int) -> Event:
        step = self.steps[place]
        assert isinstance(step, Event)
        return step

    def with_steps(self, place: int, *steps: Step) -> Story:
        """Return the story with more steps before that place."""
        return Story(self.load, [*self.steps[:place], *steps, *self.steps[place:]])

    def changed(self, place: int, **changes: Any) -> Story:
        """Return the story with that event changed."""
        steps = list(self.steps)
        steps[place] = replace(self.event(place), **changes)
        return Story(self.load, steps)

    def without(self, *places: int) -> Story:
        """Return the story without those steps."""
        return Story(self.load, [step for place, step in enumerate(self.steps) if place not in places])


@st.composite
def clean_stories(draw: st.DrawFn, *, least: int = 2) -> Story:
    """A load on a server that keeps its promises, with what it may do besides: redeliver, and say so.

    Publishers, store, acks and deliveries go on side by side, in an order that is drawn.
    """
    channels = tuple(f"c{index}" for index in range(draw(st.integers(1, 2))))
    load = LoadSpec(
        channels=channels,
        publishers=len(channels) + draw(st.integers(0, 1)),
        plain=draw(st.integers(0, 1)),
        durable=1,
        queue=draw(st.sampled_from((0, 2))),
    )
    server = Server(load)
    for _ in range(least):
        server.publish(0)
    for turn in draw(st.lists(st.integers(0, 999), max_size=40)):
        server.turn(turn)
    server.finish()
    return server.story


class Server:
    """The work of a faultless server under a load."""

    def __init__(self, load: LoadSpec) -> None:
        self.story = Story(load)
        self.roster = load.roster()
        self.numbers = [0] * len(self.roster.publishers)
        self.sent: list[tuple[int, int]] = []
        self.unacked: list[tuple[int, int]] = []
        self.stored: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.given: dict[tuple[int, str], int] = defaultdict(int)

    def turn(self, dice: int) -> None:
        """Something happens, if it can."""
        kind, choice = dice % 5, dice // 5
        if kind == 0:
            self.publish(choice % len(self.numbers))
        elif kind == 1:
            self.store()
        elif kind == 2:
            self.acknowledge(choice)
        else:
            self.deliver(choice % (len(self.roster.audiences) - 1), choice)

    def publish(self, publisher: int) -> None:
        self.numbers[publisher] += 1
        self.story.publish(publisher, self.numbers[publisher])
        self.sent.append((publisher, self.numbers[publisher]))

    def store(self) -> None:
        if self.sent:
            message = self.sent.pop(0)
            self.stored[self.roster.publishers[message[0]]].append(message)
            self.unacked.append(message)

    def acknowledge(self, choice: int) -> None:
        if self.unacked:
            publisher, number = self.unacked.pop(choice % len(self.unacked))
            self.story.ack(publisher, number)

    def deliver(self, audience: int, choice: int) -> None:
        """The next message of some channel, and sometimes the one before once more."""
        readers = [index for index, each in enumerate(self.roster.readers) if each.audience == audience]
        for channel, stored in self.stored.items():
            place = self.given[audience, channel]
            reader = readers[choice % len(readers)]
            if place and choice % 7 == 0:
                self.story.deliver(reader, *stored[place - 1], place, REDELIVERED)
            if place < len(stored):
                self.given[audience, channel] = place + 1
                self.story.deliver(reader, *stored[place], place + 1)

    def finish(self) -> None:
        """Every message is stored, acknowledged, delivered, and read once more."""
        while self.sent:
            self.store()
        while self.unacked:
            self.acknowledge(0)
        for audience in range(len(self.roster.audiences) - 1):
            for _ in range(sum(self.numbers)):
                self.deliver(audience, 1)
        self.story.note("drained", missing=0)
        for stored in self.stored.values():
            for place, message in enumerate(stored, 1):
                self.story.deliver(len(self.roster.readers) - 1, *message, place)
        self.story.note("audit", messages=sum(self.numbers))
