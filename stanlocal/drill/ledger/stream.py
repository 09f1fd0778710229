"""What a ledger tells of one publisher's messages: some bytes for each. Pure."""

from __future__ import annotations

from array import array

from stanlocal.drill.ledger.entries import ACKED
from stanlocal.outages.silence import SilenceMeter

_ROOM = 256


class Stream:
    """Everything is indexed by number, from 1; `grow` makes room before a number is used."""

    __slots__ = ("acked_at", "channel", "last", "others", "room", "seen", "sequence", "silences", "status")

    def __init__(self, channel: str, audiences: int) -> None:
        self.channel = channel
        self.last = 0
        """The number published last."""
        self.room = 0
        self.status = bytearray()
        """The kind of the latest of its entries, of publish and answer; 0: there is no such number."""
        self.acked_at = array("q")
        """When it was acknowledged (ns since 1970)."""
        self.sequence = array("Q")
        """The sequence under which it was delivered first, to whomever; 0: never."""
        self.others: dict[int, set[int]] = {}
        """The other sequences under which it was delivered."""
        self.seen = [array("H") for _ in range(audiences)]
        """For each audience the epoch of its latest delivery, from 1; 0: never."""
        self.silences = SilenceMeter()
        self.grow()

    def grow(self) -> None:
        """Makes room for more numbers: half as many again."""
        more = max(_ROOM, self.room // 2)
        self.room += more
        self.status += bytes(more)
        for column in (self.acked_at, self.sequence, *self.seen):
            column.frombytes(bytes(more * column.itemsize))

    def missing(self, audience: int) -> list[int]:
        """The numbers that were acknowledged and never delivered to that audience."""
        pairs = zip(self.status[: self.last + 1], self.seen[audience], strict=False)
        return [number for number, (status, seen) in enumerate(pairs) if status == ACKED and not seen]
