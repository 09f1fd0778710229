"""Random stores, packs of them, and one difference planted into a pack."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stanlocal.migrate.archive.entries import END, MAGIC, consumer_entry, entry, state_entry
from stanlocal.migrate.archive.frames import Frames
from stanlocal.migrate.archive.reading import Entry, read_archive
from stanlocal.migrate.comparison import Kind
from stanlocal.migrate.pack_folder import DATA, META
from tests.support.stores import Slice, make_store, subscription, update

_NEW, _ACK, _SENT = 1, 4, 5


def random_store(store: Path, rng: random.Random) -> Path:
    """A store with one channel of some slices, with gaps, and a durable that acknowledged some messages."""
    sequence = rng.randrange(1, 1_000)
    slices, sequences = [], []
    for _ in range(rng.randint(1, 3)):
        made = Slice()
        for _ in range(rng.randint(2, 40)):
            made.add(sequence, rng.randbytes(rng.randrange(0, 60)))
            sequences.append(sequence)
            sequence += 1 if rng.random() < 0.95 else rng.randint(2, 5)
        slices.append(made)
    sent = sequences[: rng.randint(2, len(sequences))]
    acknowledged = [sent[0], *(each for each in sent[1:-1] if rng.random() < 0.5)]
    subs = [(_NEW, subscription(1, "dur"))]
    subs += [(_SENT, update(1, each)) for each in sent]
    subs += [(_ACK, update(1, each)) for each in acknowledged]
    return make_store(store, slices, subs=subs)


@dataclass
class Archive:
    """The content of a stream's archive, to be changed."""

    state: dict[str, Any]
    consumers: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: list[Entry] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Archive:
        first, *entries = read_archive(path)
        archive = cls(json.loads(first.data))
        for each in entries:
            if each.sequence:
                archive.messages.append(each)
            else:
                archive.consumers[each.name.removeprefix("consumers/")] = json.loads(each.data)
        return archive

    def write(self, folder: Path) -> None:
        """Write the archive, and the state beside it."""
        self.state["messages"] = len(self.messages)
        self.state["bytes"] = sum(30 + len(each.name) + len(each.data) for each in self.messages)
        meta = json.loads((folder / META).read_text())
        (folder / META).write_text(json.dumps({**meta, "state": self.state}))
        with (folder / DATA).open("wb") as file:
            frames = Frames(file)
            frames.write(MAGIC + state_entry(self.state, 0))
            for name, each in self.consumers.items():
                frames.write(consumer_entry(name, each["config"], each["state"], 0))
            for message in self.messages:
                frames.write(entry(message.name, message.data, time=message.time, sequence=message.sequence))
            frames.write(END)
            frames.close()


def _place(archive: Archive, rng: random.Random) -> int:
    return rng.randrange(len(archive.messages))


def _dropped(archive: Archive, rng: random.Random) -> None:
    """Drop a message in the middle, so that the extent of the stream stays."""
    del archive.messages[_place(archive, rng)]


def _twice(archive: Archive, rng: random.Random) -> None:
    """A message is stored once more, behind the last one."""
    last = archive.messages[-1].sequence + 1
    archive.messages.append(archive.messages[_place(archive, rng)]._replace(sequence=last))
    archive.state["last_seq"] = last


def _swapped(archive: Archive, rng: random.Random) -> None:
    """Two neighbours change their places, and keep their sequences."""
    at = rng.randrange(len(archive.messages) - 1)
    one, other = archive.messages[at : at + 2]
    archive.messages[at] = other._replace(sequence=one.sequence)
    archive.messages[at + 1] = one._replace(sequence=other.sequence)


def _one_byte(archive: Archive, rng: random.Random) -> None:
    at = rng.choice([place for place, each in enumerate(archive.messages) if each.data])
    data = bytearray(archive.messages[at].data)
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    archive.messages[at] = archive.messages[at]._replace(data=bytes(data))


def _one_ns(archive: Archive, rng: random.Random) -> None:
    at = _place(archive, rng)
    changed = archive.messages[at].time + rng.choice((-1, 1))
    archive.messages[at] = archive.messages[at]._replace(time=changed)


def _consumer(archive: Archive) -> dict[str, Any]:
    [consumer] = archive.consumers.values()
    state: dict[str, Any] = consumer["state"]
    return state


def _pending_less(archive: Archive, rng: random.Random) -> None:
    """A message counts as acknowledged; the floor stays, as there is none beside that knows of it."""
    pending = _consumer(archive)["pending"]
    del pending[rng.choice(sorted(pending))]


def _pending_more(archive: Archive, rng: random.Random) -> None:
    """An acknowledged message is unacknowledged again; the first that was, where all are."""
    state = _consumer(archive)
    floor, delivered = state["ack_floor"]["stream_seq"], state["delivered"]["stream_seq"]
    free = [each for each in range(floor + 1, delivered + 1) if str(each) not in state["pending"]]
    chosen = rng.choice(free) if free else floor
    state["pending"][str(chosen)] = {"Sequence": chosen, "Timestamp": 0}
    if chosen == floor:
        _move(state, "ack_floor", -1)


def _move(state: dict[str, Any], position: str, by: int) -> None:
    for key in state[position]:
        state[position][key] += by


def _position(name: str, by: int) -> Callable[[Archive, random.Random], None]:
    def plant(archive: Archive, rng: random.Random) -> None:
        _move(_consumer(archive), name, by)

    return plant


_Plant = Callable[[Archive, random.Random], None]

DIFFERENCES: dict[str, tuple[_Plant, frozenset[Kind]]] = {
    "dropped": (_dropped, frozenset({Kind.MISSING})),
    "twice": (_twice, frozenset({Kind.EXTRA, Kind.LAST_SEQUENCE})),
    "swapped": (_swapped, frozenset({Kind.DATA, Kind.TIME})),
    "one byte": (_one_byte, frozenset({Kind.DATA})),
    "1 ns": (_one_ns, frozenset({Kind.TIME})),
    "unacknowledged -1": (_pending_less, frozenset({Kind.PENDING, Kind.ACK_FLOOR})),
    "unacknowledged +1": (_pending_more, frozenset({Kind.PENDING, Kind.ACK_FLOOR})),
    "position -1": (_position("ack_floor", -1), frozenset({Kind.ACK_FLOOR})),
    "position +1": (_position("delivered", 1), frozenset({Kind.DELIVERED})),
}
"""What is planted, by its name, with the kinds of differences that may be found for it."""


def copied(pack: Path, target: Path) -> Path:
    """Copy a pack to change it."""
    shutil.copytree(pack, target)
    return target


def kinds(counts: Iterable[str]) -> frozenset[Kind]:
    """The kinds of differences that were counted."""
    return frozenset(map(Kind, counts))
