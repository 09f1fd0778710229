"""The terminal: it may be closed while the interface draws, and gets printable text only."""

from __future__ import annotations

import errno
from typing import IO, Any

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter

from stanlocal.util.printable import printable


class TerminalDriver(LinuxDriver):
    """Textual's driver, which goes on after the terminal was closed.

    Textual writes from a thread that ends with the first failed write; the event loop would then wait
    for ever for room in its queue, and never handle SIGHUP.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file: Any = WhileOpen(self._file)


class WhileOpen:
    """A terminal's file; text written after the terminal was closed is discarded."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write the text; return its length."""
        try:
            return self._file.write(text)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return len(text)

    def flush(self) -> None:
        """Flush the file."""
        try:
            self._file.flush()
        except OSError as error:
            if error.errno != errno.EIO:
                raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


_LEAST_BLANK = 2
"""Blanks kept of each run, so that columns stay apart."""


class PrintableLines(LineFilter):
    """Filter that escapes what a terminal would execute, as the last step before drawing.

    A line keeps its length: escapes replace the blanks behind them, and else the end of the line is cut.
    Tables escape their cells themselves, as the width matters there.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(segment.text.isprintable() for segment in segments):
            return segments
        wanted = sum(cell_len(segment.text) for segment in segments)
        escaped = [Segment(printable(segment.text), segment.style, segment.control) for segment in segments]
        return _cut(_closed_up(escaped, wanted), wanted)


def _closed_up(segments: list[Segment], wanted: int) -> list[Segment]:
    """Remove blanks from the end of texts, the last text first, until the segments fit."""
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
    """Cut the segments to `wanted` cells."""
    cut: list[Segment] = []
    for segment in segments:
        length = min(cell_len(segment.text), wanted)
        cut.append(Segment(set_cell_size(segment.text, length), segment.style, segment.control))
        wanted -= length
    return cut
