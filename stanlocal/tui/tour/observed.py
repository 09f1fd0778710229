"""The group of a tour as it was observed so far, and what came since a step of a lesson began. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stanlocal.history.failovers import Failover
from stanlocal.logs import event_types as ev
from stanlocal.logs.merge import NodeLine

TELLING = (
    ev.StandbyStarted,
    ev.LockBusy,
    ev.LockTaken,
    ev.StreamingReady,
    ev.ForeignActive,
    ev.SteppedDown,
)
"""Events of the servers' lines that lessons explain."""
_KEPT_LINES = 500
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Published:
    """Counts of a publisher so far."""

    stored: int = 0
    """Messages that the server has acknowledged."""
    failed: int = 0
    """Messages that the publisher gave up."""
    waits_s: float = 0.0
    """Seconds since the oldest message without an ack was published; 0 if there is none."""
    slowest_s: float = 0.0
    """Longest time to an ack."""
    error: str | None = None
    """Reason of the first failure."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of the tour, by the servers' stamps and by this machine's clock."""

    stamp: datetime = NEVER
    """Newest stamp that was observed by then."""
    seconds: float = 0.0


class Observed:
    """Everything that lessons ask about, updated by the tour's screen."""

    def __init__(self) -> None:
        self.document: Mapping[str, Any] | None = None
        """Newest group document; None before the group is there."""
        self.failovers: Sequence[Failover] = ()
        """All failovers so far, oldest first."""
        self.lines: deque[NodeLine] = deque(maxlen=_KEPT_LINES)
        """Lines of the kinds in `TELLING`, oldest first."""
        self.tab = ""
        """Title of the tab that is open."""
        self.target = ""
        """Target of the keys."""
        self.plain, self.resending = Published(), Published()
        """Counts of the publishers without and with retry."""
        self.seconds = 0.0
        """Time by a clock that never goes back."""

    def learn_lines(self, lines: Sequence[NodeLine], *, replay: bool) -> None:
        """Take new lines; with `replay` they replace all earlier ones."""
        if replay:
            self.lines.clear()
        self.lines.extend(each for each in lines if isinstance(each.line.event, TELLING))

    @property
    def now(self) -> Moment:
        """The present moment."""
        stamps = [*(each.line.time for each in self.lines), *(each.ready_at for each in self.failovers)]
        return Moment(max(stamps, default=NEVER), self.seconds)


@dataclass(frozen=True, slots=True)
class Since:
    """The group now, and what was observed since a moment."""

    observed: Observed
    moment: Moment

    @property
    def state(self) -> str | None:
        """State of the group; None before it is there."""
        return self.observed.document["state"] if self.observed.document else None

    @property
    def active(self) -> str | None:
        """Name of the node that serves, when exactly one does."""
        return self.observed.document["active"] if self.observed.document else None

    @property
    def nodes(self) -> Sequence[Mapping[str, Any]]:
        """Documents of the nodes."""
        return self.observed.document["nodes"] if self.observed.document else ()

    @property
    def seconds(self) -> float:
        """Seconds since the moment."""
        return self.observed.seconds - self.moment.seconds

    @property
    def failover(self) -> Failover | None:
        """The last failover since the moment."""
        found = [each for each in self.observed.failovers if each.ready_at > self.moment.stamp]
        return found[-1] if found else None

    def lines(self, kind: type[ev.LogEvent]) -> Iterator[NodeLine]:
        """Yield the lines of that kind since the moment, oldest first."""
        for each in self.observed.lines:
            if each.line.time > self.moment.stamp and isinstance(each.line.event, kind):
                yield each
