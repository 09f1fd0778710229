"""The messages of one publisher in a ledger, as columns of a few bytes for each. Pure.

Columns grow with the messages in the ledger, never with what its header says: that may name a thousand
publishers and two thousand audiences in 300 bytes.
"""

from __future__ import annotations

from array import array

from stanlocal.drill.ledger.entries import ACKED
from stanlocal.outages.silence import SilenceMeter

_ROOM = 256


class Stream:
    """Columns indexed by message number, from 1; `grow` makes room before a number is used."""

    __slots__ = ("acked_at", "channel", "last", "others", "room", "seen", "sequence", "silences", "status")

    def __init__(self, channel: str, audiences: int) -> None:
        self.channel = channel
        self.last = 0
        """The number published last."""
        self.room = 0
        self.status = bytearray()
        """Kind of the latest entry, publish or answer, of each number; 0 for none."""
        self.acked_at = array("q")
        """Time of the ack (ns since 1970); until it comes, that of the publish."""
        self.sequence = array("Q")
        """Sequence of its first delivery to any audience; 0 for none."""
        self.others: dict[int, set[int]] = {}
        """The other sequences under which it was delivered."""
        self.seen: list[array[int]] = [_NOTHING] * audiences
        """Epoch of the latest delivery by audience, from 1; 0 for none. Shorter than the others
        where there was no later delivery."""
        self.silences = SilenceMeter()

    def grow(self) -> int:
        """Make room for more numbers, half as many again; return how many bytes that takes."""
        more = max(_ROOM, self.room // 2)
        self.room += more
        self.status += bytes(more)
        for column in (self.acked_at, self.sequence):
            column.frombytes(bytes(more * column.itemsize))
        return more * (1 + 2 * self.sequence.itemsize)

    def grow_seen(self, audience: int) -> int:
        """Make room for all numbers among the deliveries to an audience; return how many bytes that takes."""
        column = self.seen[audience]
        if column is _NOTHING:
            self.seen[audience] = column = array("H")
        more = (self.room - len(column)) * column.itemsize
        column.frombytes(bytes(more))
        return more

    def has_seen(self, audience: int, number: int) -> bool:
        """Return whether that audience ever had the message."""
        seen = self.seen[audience]
        return number < len(seen) and bool(seen[number])

    def missing(self, audience: int) -> list[int]:
        """Return the acknowledged numbers that were never delivered to that audience."""
        seen = self.seen[audience]
        absent = array("H", bytes(max(self.last + 1 - len(seen), 0) * seen.itemsize))
        pairs = zip(self.status[: self.last + 1], seen + absent, strict=False)
        return [number for number, (status, seen) in enumerate(pairs) if status == ACKED and not seen]


_NOTHING = array("H")
"""The deliveries of an audience that had none; never changed."""
