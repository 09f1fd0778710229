"""Which sequences of a channel came, and which are missing in between. Pure."""

from __future__ import annotations

from bisect import bisect_right


class Sequences:
    """Those that came; the missing ones are kept as ranges, so that their number does not matter."""

    def __init__(self) -> None:
        self.highest = 0
        self._missing: list[range] = []

    def add(self, sequence: int) -> bool:
        """Whether it came for the first time. What is below the first one that came was there before."""
        if not self.highest or sequence > self.highest:
            if self.highest and sequence > self.highest + 1:
                self._missing.append(range(self.highest + 1, sequence))
            self.highest = sequence
            return True
        at = bisect_right(self._missing, sequence, key=lambda gap: gap.start) - 1
        if at < 0 or sequence not in self._missing[at]:
            return False
        gap = self._missing[at]
        parts = (range(gap.start, sequence), range(sequence + 1, gap.stop))
        self._missing[at : at + 1] = [part for part in parts if part]
        return True

    @property
    def missing(self) -> int:
        """How many between the first and the highest did not come."""
        return sum(gap.stop - gap.start for gap in self._missing)  # len() takes no 64-bit sequences
