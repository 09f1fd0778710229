"""The newest lines of all nodes in time order, filtered by node and severity, and their milestones. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from stanlocal.logs import event_types as ev
from stanlocal.logs.line_patterns import LogLine
from stanlocal.logs.merge import NodeLine

_FT = (
    ev.Boot,
    ev.StandbyStarted,
    ev.LockBusy,
    ev.LockError,
    ev.LockTaken,
    ev.RecoveryStarted,
    ev.RecoveryEnded,
    ev.StreamingReady,
    ev.ShuttingDown,
    ev.ForeignActive,
    ev.HeartbeatFailed,
)


class Mark(Enum):
    """A line's importance in a failover; the value is drawn before the line, so that no colour is needed."""

    NONE = " "
    MILESTONE = "◆"
    """The node comes closer to active, or leaves it."""
    TROUBLE = "!"
    """An error, or a fatal line."""


def mark(line: LogLine) -> Mark:
    """Return the line's importance in a failover."""
    if line.level in ("ERR", "FTL") or (line.event is not None and line.event.fatal):
        return Mark.TROUBLE
    return Mark.MILESTONE if isinstance(line.event, _FT) else Mark.NONE


def is_milestone(line: LogLine) -> bool:
    """Whether the line changes a node's state, or explains why the state stays."""
    return line.event is not None and (line.event.fatal or isinstance(line.event, _FT))


MOST_LINES = 20_000
MOST_CHARACTERS = 8_000_000
"""Limit of all lines together: a line usually has a hundred characters, and may have a million."""


class Severity(Enum):
    """Lowest level that is shown; the value is its name on the screen.

    Lines without a level are refused configurations and panics, so they count as the worst.
    """

    ALL = "all levels"
    INFO = "no debug"
    WARNING = "warnings and worse"
    ERROR = "errors"
    MILESTONES = "milestones"
    """Lines of any level that matter in a failover."""

    def of(self, lines: Sequence[NodeLine]) -> Sequence[NodeLine]:
        """Return the lines that pass, in order."""
        if self is Severity.ALL:
            return lines
        if self is Severity.MILESTONES:
            return [each for each in lines if is_milestone(each.line)]
        below = _BELOW[self]
        return [each for each in lines if each.line.level not in below]


_BELOW = {
    Severity.INFO: ("TRC", "DBG"),
    Severity.WARNING: ("TRC", "DBG", "INF"),
    Severity.ERROR: ("TRC", "DBG", "INF", "WRN"),
}


@dataclass(frozen=True, slots=True)
class LogFilter:
    """A choice of lines by node and severity."""

    node: str | None = None
    """Name of the only node; None for all nodes."""
    severity: Severity = Severity.ALL

    def of(self, lines: Sequence[NodeLine]) -> Sequence[NodeLine]:
        """Return the lines that pass, in order."""
        if self.node is not None:
            lines = [each for each in lines if each.node == self.node]
        return self.severity.of(lines)


class LogBuffer:
    """The newest lines, which may be added in any order; the oldest are dropped when there are too many."""

    def __init__(self, *, most_lines: int = MOST_LINES, most_characters: int = MOST_CHARACTERS) -> None:
        self._most_lines = most_lines
        self._most_characters = most_characters
        self._characters = 0
        self._lines: list[NodeLine] = []
        self._shown: list[NodeLine] = []
        self._filter = LogFilter()

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def shown(self) -> Sequence[NodeLine]:
        """Lines that pass the filter, oldest first; the sequence changes with the buffer."""
        return self._shown

    @property
    def filter(self) -> LogFilter:
        """Filter of the shown lines."""
        return self._filter

    @filter.setter
    def filter(self, wanted: LogFilter) -> None:
        self._filter = wanted
        self._shown = list(wanted.of(self._lines))

    def add(self, lines: Sequence[NodeLine]) -> int:
        """Add lines in time order, then in order of arrival; return how many pass the filter."""
        shown = self._filter.of(lines)
        _merge(self._lines, lines)
        _merge(self._shown, shown)
        self._characters += sum(len(each.line.text) for each in lines)
        self._drop_oldest()
        return len(shown)

    def clear(self) -> None:
        """Drop all lines."""
        self._lines.clear()
        self._shown.clear()
        self._characters = 0

    def _drop_oldest(self) -> None:
        too_many = max(0, len(self._lines) - self._most_lines)
        self._characters -= sum(len(each.line.text) for each in self._lines[:too_many])
        while self._characters > self._most_characters:
            self._characters -= len(self._lines[too_many].line.text)
            too_many += 1
        # Both lists have the same order, so the shown lines among the dropped ones come first.
        del self._shown[: len(self._filter.of(self._lines[:too_many]))]
        del self._lines[:too_many]


def _merge(lines: list[NodeLine], more: Sequence[NodeLine]) -> None:
    """Merge in place; only the overlap is sorted, as most lines are newer than all others."""
    if not more:
        return
    overlap = bisect_right(lines, min(map(_time, more)), key=_time)
    lines[overlap:] = sorted([*lines[overlap:], *more], key=_time)


def _time(each: NodeLine) -> datetime:
    return each.line.time
