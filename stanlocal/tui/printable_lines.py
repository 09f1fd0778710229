"""The last step before the terminal: whatever a widget draws, nothing that is not printable gets through.

Tables escape what they are given, as its width matters there. Of all else a line stays as long as it was:
escapes take the place of blanks behind them, and where there are none the end of the line is cut off.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from stanlocal.util.printable import printable

_LEAST_BLANK = 2
"""Blanks that are kept of a run, so that columns stay apart."""


class PrintableLines(LineFilter):
    """Shows escaped what a terminal would act upon."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(segment.text.isprintable() for segment in segments):
            return segments
        wanted = sum(cell_len(segment.text) for segment in segments)
        escaped = [Segment(printable(segment.text), segment.style, segment.control) for segment in segments]
        return _cut(_closed_up(escaped, wanted), wanted)


def _closed_up(segments: list[Segment], wanted: int) -> list[Segment]:
    """The segments with blanks taken away from the end of texts, the last first, until they fit."""
    surplus = sum(cell_len(segment.text) for segment in segments) - wanted
    fitting: list[Segment] = []
    for segment in reversed(segments):
        text = segment.text
        blanks = len(text) - len(text.rstrip(" "))
        spare = max(min(blanks - (_LEAST_BLANK if blanks < len(text) else 0), surplus), 0)
        surplus -= spare
        fitting.append(Segment(text[: len(text) - spare], segment.style, segment.control))
    return fitting[::-1]


def _cut(segments: list[Segment], wanted: int) -> list[Segment]:
    """The segments up to so many cells."""
    cut: list[Segment] = []
    for segment in segments:
        length = min(cell_len(segment.text), wanted)
        cut.append(Segment(set_cell_size(segment.text, length), segment.style, segment.control))
        wanted -= length
    return cut
