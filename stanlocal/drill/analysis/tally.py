"""Tally of a ledger in one pass: counts of every event, and the columns that are compared at the end. Pure.

After a failover, or when its connection broke, a client may get messages again that are not flagged as
redelivered: the server writes acknowledgements late. So the ledger is cut into epochs: a new one begins with
each event that can explain such deliveries. A repetition within one epoch is unexplained.
"""

from __future__ import annotations

from array import array

from stanlocal.drill.analysis.findings import Second
from stanlocal.drill.ledger.entries import (
    ACKED,
    CELL,
    DELIVERED,
    PUBLISHED,
    REDELIVERED,
    REFUSED,
    STRANGE,
    UNANSWERED,
    Header,
    Note,
)
from stanlocal.drill.ledger.stream import Stream
from stanlocal.errors import LedgerError
from stanlocal.outages.silence import Silence, SilenceMeter

_DISRUPTIONS = frozenset(("fault", "heal", "failover", "role"))
"""Notes that begin an epoch; connections that break or open do so too, and the end of a silence."""
_MOST_EPOCHS = 0xFFFF
_ROOM = 16 << 20
"""Bytes of columns that any ledger may take."""
_ROOM_FOR_EACH = 4
"""Bytes of columns per byte of events; a ledger that a drill wrote needs less than one."""
_WAITING = bytes([PUBLISHED])


class Tally:
    """Counts of a ledger, whose parts are added in order."""

    def __init__(self, header: Header) -> None:
        self.roster = header.load.roster()
        self.channels = header.load.channels
        audiences = len(self.roster.audiences)
        self.streams = [Stream(channel, audiences) for channel in self.roster.publishers]
        self.strange: dict[str, set[int]] = {channel: set() for channel in self.channels}
        """Sequences of each channel that delivered no message of the drill."""
        self.latest = [0] * audiences
        """Time of each audience's latest delivery (ns since 1970); 0 for none."""
        self.silences: list[tuple[int | None, Silence]] = []
        """Silences by publisher; None for all publishers together."""
        self.seconds: list[Second] = []
        self.notes: list[Note] = []
        self.published = self.acked = self.refused = self.delivered = 0
        self.redelivered = self.repeated = self.unflagged = self.stored_twice = 0
        self.reordered = self.unexpected = self.wrong = 0
        self.time = 0
        """Time of the last event (ns since 1970)."""
        self._all = SilenceMeter()
        self._epoch = 1
        self._started = int(header.started.timestamp() * 1e9)
        self._second = 0
        self._next_second = self._started + 1_000_000_000
        self._counted = (0, 0)
        self._over = False
        self._highest: list[list[int]] = [[]] * len(self.roster.readers)
        """Highest number of each publisher, by reader; empty before its first delivery."""
        self._room = _ROOM  # the thirtieth attribute: with one more Python finds each of them more slowly

    def note(self, note: Note) -> None:
        """Count a note."""
        self.notes.append(note)
        if note.kind in _DISRUPTIONS:
            self._disrupted()
        if note.kind == "drained":
            self.time = max(self.time, int(note.time.timestamp() * 1e9))
            self._end_silences()

    def end(self) -> None:
        """Complete the counts at the ledger's end."""
        if not self._over:
            self._end_silences()
        self._end_second()

    def _disrupted(self) -> None:
        self._epoch = min(self._epoch + 1, _MOST_EPOCHS)

    def _grown(self, of: Stream, audience: int) -> array[int]:
        self._take(of.grow_seen(audience))
        return of.seen[audience]

    def _begun(self, reader: int) -> list[int]:
        self._highest[reader] = [0] * len(self.streams)
        return self._highest[reader]

    def _take(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise _impossible("it has few deliveries to many readers, far apart")

    def events(self, cells: bytes) -> None:
        """Count events in order. Raises `LedgerError` where no drill can have written them."""
        streams, publishers, readers = self.streams, len(self.streams), len(self.roster.readers)
        audit = readers - 1
        self._room += _ROOM_FOR_EACH * len(cells)
        for time, sequence, number, _, publisher, reader, flags, kind in CELL.iter_unpack(cells):
            self.time = time
            if time >= self._next_second:
                self._end_second()
            if kind == DELIVERED:
                if reader >= readers:
                    raise _impossible(f"a delivery to reader {reader}")
                if publisher >= publishers or not 0 < number <= streams[publisher].last:
                    self.unexpected += 1
                elif reader == audit:
                    self._audited(streams[publisher], number, sequence)
                else:
                    self._delivered(publisher, number, reader, sequence, flags)
            elif kind == STRANGE:
                if publisher >= len(self.channels):
                    raise _impossible(f"a delivery on channel {publisher}")
                self.wrong += 1
                self.strange[self.channels[publisher]].add(sequence)
            elif kind > UNANSWERED:
                self._disrupted()
            elif publisher >= publishers:
                raise _impossible(f"an event of publisher {publisher}")
            elif kind == PUBLISHED:
                self._published(streams[publisher], number, time)
            else:
                self._answered(publisher, number, time, kind)

    def _published(self, of: Stream, number: int, time: int) -> None:
        if number != of.last + 1:
            raise _impossible(f"number {number} was published after {of.last}")
        if number >= of.room:
            self._take(of.grow())
        of.last = number
        of.status[number] = PUBLISHED
        of.acked_at[number] = time
        self.published += 1
        self._all.published(time)
        of.silences.published(time)

    def _answered(self, publisher: int, number: int, time: int, kind: int) -> None:
        of = self.streams[publisher]
        if of.status[number : number + 1] != _WAITING:
            raise _impossible(f"an answer to number {number} of publisher {publisher}, which waits for none")
        of.status[number] = kind
        if kind != ACKED:
            self.refused += kind == REFUSED
            self._all.failed(time)
            of.silences.failed(time)
            return
        sent, of.acked_at[number] = of.acked_at[number], time
        self.acked += 1
        if (silence := of.silences.acked(time, sent)) is not None:
            self.silences.append((publisher, silence))
        if (silence := self._all.acked(time, sent)) is not None:
            self.silences.append((None, silence))
            self._disrupted()

    def _delivered(self, publisher: int, number: int, reader: int, sequence: int, flags: int) -> None:
        of, audience = self.streams[publisher], self.roster.readers[reader].audience
        self.delivered += 1
        self.latest[audience] = self.time
        seen = of.seen[audience]
        try:
            before, seen[number] = seen[number], self._epoch
        except IndexError:  # rare: checking before each delivery takes longer
            before, self._grown(of, audience)[number] = 0, self._epoch
        known = of.sequence[number]
        if known != sequence:
            if known:
                of.others.setdefault(number, set()).add(sequence)
            else:
                of.sequence[number] = sequence
        if not before:
            highest = self._highest[reader] or self._begun(reader)
            if number > highest[publisher]:
                highest[publisher] = number
            elif not flags & REDELIVERED:
                self.reordered += 1
        elif flags & REDELIVERED:
            self.redelivered += 1
        elif known != sequence:
            self.stored_twice += 1
        elif before < self._epoch or self._all.now(self.time) is not None:
            self.repeated += 1
        else:
            self.unflagged += 1

    def _audited(self, of: Stream, number: int, sequence: int) -> None:
        try:
            of.seen[-1][number] = self._epoch
        except IndexError:
            self._grown(of, len(of.seen) - 1)[number] = self._epoch
        if not of.sequence[number]:
            of.sequence[number] = sequence
        elif of.sequence[number] != sequence:
            of.others.setdefault(number, set()).add(sequence)

    def _end_silences(self) -> None:
        """End all silences: the load or its ledger is over, so no more answers come."""
        meters = [(None, self._all), *((index, each.silences) for index, each in enumerate(self.streams))]
        for index, meter in meters:
            if (silence := meter.now(self.time)) is not None:
                self.silences.append((index, silence))
        self._over = True

    def _end_second(self) -> None:
        """Record the counts of the last second, unless nothing happened in it."""
        second, self._second = self._second, max(0, self.time - self._started) // 1_000_000_000
        acked, delivered = self._counted
        self._counted = self.acked, self.delivered
        if self._counted != (acked, delivered):
            self.seconds.append(Second(second, self.acked - acked, self.delivered - delivered))
        self._next_second = self._started + (self._second + 1) * 1_000_000_000


def _impossible(what: str) -> LedgerError:
    return LedgerError(f"the ledger is damaged: {what}; nothing can be said from it")
