"""The newest lines of all nodes in the order of time, and which of them are asked for. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from stanlocal.logs import events as ev
from stanlocal.logs.merge import NodeLine
from stanlocal.logs.parse import LogLine

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
    """The values are what stands before a line, for whoever sees no colours."""

    NONE = " "
    MILESTONE = "◆"
    """On a node's way to active, or away from it."""
    TROUBLE = "!"
    """An error, or the server's last words."""


def mark(line: LogLine) -> Mark:
    """What the line is to somebody who watches a failover."""
    if line.level in ("ERR", "FTL") or (line.event is not None and line.event.fatal):
        return Mark.TROUBLE
    return Mark.MILESTONE if isinstance(line.event, _FT) else Mark.NONE


def is_milestone(line: LogLine) -> bool:
    """Whether the line changes what a node is, or says why it does not."""
    return line.event is not None and (line.event.fatal or isinstance(line.event, _FT))


MOST_LINES = 20_000
MOST_CHARACTERS = 8_000_000
"""Lines are usually some hundred characters long, and may be a million: output is not to be trusted."""


class Severity(Enum):
    """From which level on lines are asked for; the values are the words for people.

    What the server prints bare, without a level, are refused configurations and panics: as bad as it gets.
    """

    ALL = "all levels"
    INFO = "no debug"
    WARNING = "warnings and worse"
    ERROR = "errors"
    MILESTONES = "milestones"
    """Lines of any level that tell of failing over."""

    def of(self, lines: Sequence[NodeLine]) -> Sequence[NodeLine]:
        """Those of the lines that are asked for, in their order."""
        if self is Severity.ALL:
            return lines
        if self is Severity.MILESTONES:
            return [told for told in lines if is_milestone(told.line)]
        below = _BELOW[self]
        return [told for told in lines if told.line.level not in below]


_BELOW = {
    Severity.INFO: ("TRC", "DBG"),
    Severity.WARNING: ("TRC", "DBG", "INF"),
    Severity.ERROR: ("TRC", "DBG", "INF", "WRN"),
}


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines are asked for."""

    node: str | None = None
    """None: of all nodes."""
    severity: Severity = Severity.ALL

    def of(self, lines: Sequence[NodeLine]) -> Sequence[NodeLine]:
        """Those of the lines that are asked for, in their order."""
        if self.node is not None:
            lines = [told for told in lines if told.node == self.node]
        return self.severity.of(lines)


class LogBuffer:
    """Takes lines in whatever order they come; the oldest go when there are too many."""

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
        """The lines that are asked for, oldest first; it changes with the buffer."""
        return self._shown

    @property
    def filter(self) -> LogFilter:
        """What is asked for."""
        return self._filter

    @filter.setter
    def filter(self, wanted: LogFilter) -> None:
        self._filter = wanted
        self._shown = list(wanted.of(self._lines))

    def add(self, lines: Sequence[NodeLine]) -> int:
        """Puts lines where their time says; those of the same time stay in the order in which they came.

        Returns how many of them are asked for.
        """
        shown = self._filter.of(lines)
        _merge(self._lines, lines)
        _merge(self._shown, shown)
        self._characters += sum(len(told.line.text) for told in lines)
        self._let_go()
        return len(shown)

    def clear(self) -> None:
        """Lets all lines go."""
        self._lines.clear()
        self._shown.clear()
        self._characters = 0

    def _let_go(self) -> None:
        too_many = max(0, len(self._lines) - self._most_lines)
        self._characters -= sum(len(told.line.text) for told in self._lines[:too_many])
        while self._characters > self._most_characters:
            self._characters -= len(self._lines[too_many].line.text)
            too_many += 1
        # Both lists have the same order: of what goes, the shown ones are the first of those shown.
        del self._shown[: len(self._filter.of(self._lines[:too_many]))]
        del self._lines[:too_many]


def _merge(lines: list[NodeLine], more: Sequence[NodeLine]) -> None:
    """Most lines are newer than all that there are: only what overlaps is sorted."""
    if not more:
        return
    overlap = bisect_right(lines, min(map(_time, more)), key=_time)
    lines[overlap:] = sorted([*lines[overlap:], *more], key=_time)


def _time(told: NodeLine) -> datetime:
    return told.line.time
