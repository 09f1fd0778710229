"""Which lines of a log tell of failing over, and which of trouble. Pure."""

from __future__ import annotations

from enum import Enum

from stanlocal.logs import events as ev
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
