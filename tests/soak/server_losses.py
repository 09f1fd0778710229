"""Losses of a server that is killed while it writes, distinguished from every other loss.

A server stores a batch by two writes, into the data file and then into the index. A kill between them leaves
records that no index knows. The next active goes by the index: it gives their sequences again, and appends
behind them, while its index points at them. From there on messages of that file are read under a wrong
sequence, and the last are missing. None of the records was acknowledged, but those behind them were.

In a ledger this shows as a sequence with two messages, among the first that were given after the kill; or, if
the publisher sent the same message again, only in the store, which holds that sequence twice. Everything else
that is missing, given twice or left out is not explained. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from stanlocal.drill.analysis.findings import Findings, Messages, Sequences
from stanlocal.drill.ledger.entries import CELL, DELIVERED, Note
from stanlocal.drill.ledger.reader import LedgerReading
from stanlocal.util.timestamps import rfc3339

_BATCH = 64
"""Sequences after a kill among which the first repeated one must be: more than are in flight at once."""
_ENDING = frozenset({"kill", "stop", "restart", "rolling-restart"})
"""Faults that end a server."""
_LATE_NS = 50_000_000
"""Lag of a fault's effect behind its time on record."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The losses of a drill, in sentences."""

    explained: list[str]
    unexplained: list[str]
    lost: int
    """Number of acknowledged messages whose loss is not explained."""


@dataclass(slots=True)
class _Channel:
    """Sequences of one channel, with the times at which they were first delivered."""

    seen: dict[int, int] = field(default_factory=dict)
    of: dict[tuple[int, int], set[int]] = field(default_factory=dict)
    """Sequences of each message, by publisher and number."""


def explain(
    found: Findings, reading: LedgerReading, stored_twice: Mapping[str, int] = MappingProxyType({})
) -> Explanation:
    """Sort the losses, gaps and repeated sequences of a drill, whose ledger is read again.

    `stored_twice` has the first sequence that the store holds twice, by channel.
    """
    channels, ends = _read(reading)
    explained, unexplained = list[str](), list[str]()
    begins = {
        name: _begin(name, channel, found, ends, stored_twice.get(name)) for name, channel in channels.items()
    }
    lost = 0
    for each in found.lost_messages:
        begin = begins[each.channel]
        if begin is not None and _behind(each, channels[each.channel], begin[0]):
            explained.append(_sentence(f"{each.count} acknowledged: {each}", begin))
        else:
            lost += each.count
            missing = ", ".join(each.missing_at)
            unexplained.append(f"{each.count} acknowledged and missing at {missing}: {each}")
    for what, runs in (("given twice", found.forked_sequences), ("left out", found.gap_sequences)):
        for run in runs:
            begin = begins[run.channel]
            if begin is not None and run.first >= begin[0]:
                if run.first == begin[0]:
                    explained.append(_sentence(f"{what}: {run}", begin))
            else:
                unexplained.append(f"{what}: {run}")
    return Explanation(explained, unexplained, lost)


def _read(reading: LedgerReading) -> tuple[dict[str, _Channel], list[Note]]:
    names = reading.header.load.roster().publishers
    channels = {name: _Channel() for name in reading.header.load.channels}
    ends: list[Note] = []
    for part in reading.parts():
        if isinstance(part, bytes):
            for time, sequence, number, _, publisher, _, _, kind in CELL.iter_unpack(part):
                if kind == DELIVERED and publisher < len(names):
                    channel = channels[names[publisher]]
                    channel.seen.setdefault(sequence, time)
                    channel.of.setdefault((publisher, number), set()).add(sequence)
        elif isinstance(part, Note) and part.kind == "fault" and part.fields.get("name") in _ENDING:
            ends.append(part)
    return channels, ends


def _begin(
    name: str, channel: _Channel, found: Findings, ends: list[Note], stored_twice: int | None
) -> tuple[int, Note] | None:
    """Return the channel's first repeated sequence, and the end of a server that explains it."""
    given_twice = next(_of(name, found.forked_sequences), None)
    repeated = [sequence for sequence in (given_twice, stored_twice) if sequence is not None]
    if not repeated:
        return None
    first = min(repeated)
    for end in ends:
        moment = int(end.time.timestamp() * 1e9) - _LATE_NS
        after = [sequence for sequence, time in channel.seen.items() if time >= moment]
        if after and 0 <= first - min(after) < _BATCH:
            return first, end
    return None


def _of(name: str, runs: tuple[Sequences, ...]) -> Iterator[int]:
    return (run.first for run in sorted(runs, key=lambda run: run.first) if run.channel == name)


def _behind(messages: Messages, channel: _Channel, begin: int) -> bool:
    """Return whether all of them were stored at or behind that sequence."""
    numbers = range(messages.first, messages.last + 1)
    stored = [channel.of.get((messages.publisher, number)) for number in numbers]
    return all(sequences is not None and max(sequences) >= begin for sequences in stored)


def _sentence(what: str, begin: tuple[int, Note]) -> str:
    sequence, end = begin
    return (
        f"{what}; sequence {sequence} was given twice around the {end.fields.get('name')} at "
        f"{rfc3339(end.time)}, which fell between the writes of data and index"
    )
