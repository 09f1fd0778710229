"""A search through rows: the matching rows, and the next of them. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence


class LineSearch:
    """The last searched text, whatever its case, and the rows that contain it."""

    def __init__(self) -> None:
        self._needle = ""
        self.matches: Sequence[int] = ()
        """Numbers of the rows that contain the text, in order."""

    @property
    def needle(self) -> str:
        """The text, in lower case; empty before the first search."""
        return self._needle

    @needle.setter
    def needle(self, text: str) -> None:
        self._needle = text.casefold()

    def find(self, rows: Iterable[str]) -> None:
        """Find the rows that contain the text; none where it is empty."""
        if not self._needle:
            self.matches = ()
            return
        self.matches = [number for number, row in enumerate(rows) if self._needle in row.casefold()]

    def newest(self, cursor: int) -> int:
        """Return the last match up to the cursor, else the first; the cursor where nothing matches."""
        return self.matches[max(0, bisect_right(self.matches, cursor) - 1)] if self.matches else cursor

    def after(self, cursor: int, step: int) -> int:
        """Return the next (1) or the previous (-1) match; the first follows the last."""
        if not self.matches:
            return cursor
        at = bisect_right(self.matches, cursor) if step > 0 else bisect_left(self.matches, cursor) - 1
        return self.matches[at % len(self.matches)]

    def spans(self, row: str) -> Iterator[tuple[int, int]]:
        """Start and end of the text wherever the row contains it."""
        words = row.casefold()
        start = words.find(self._needle) if self._needle else -1
        while start >= 0:
            yield start, start + len(self._needle)
            start = words.find(self._needle, start + len(self._needle))
