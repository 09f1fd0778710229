"""Messages from the feed and the clients to the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.message import Message

from stanlocal.group.resources import Resources
from stanlocal.history.failovers import Failover
from stanlocal.history.timeline import Event
from stanlocal.logs.merge import NodeLine
from stanlocal.model.states import GroupStatus
from stanlocal.outages.gaps import Gap


class GroupChanged(Message):
    """The group's status has changed; also the first message about a group."""

    def __init__(
        self, document: Mapping[str, Any], status: GroupStatus | None, missing: Sequence[str]
    ) -> None:
        super().__init__()
        self.document = document
        """Group document, as `stanlocal status --json` prints it."""
        self.status = status
        """Status of the group; None for a replayed one, on which no key acts."""
        self.missing = tuple(missing)
        """Names of planned nodes that the engine no longer has."""


class GroupMissing(Message):
    """The group does not exist; `reason` is the error."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class LogLines(Message):
    """New lines of all nodes, several batches at once."""

    def __init__(self, lines: Sequence[NodeLine], skipped: int, *, replay: bool) -> None:
        super().__init__()
        self.lines = lines
        self.replay = replay
        """Whether the lines begin again with the past, and replace all earlier ones."""
        self.skipped = skipped
        """Number of older lines since the last message that are not among `lines`."""


class EventSeen(Message):
    """Events have happened; oldest first."""

    def __init__(self, events: Sequence[Event], *, replay: bool) -> None:
        super().__init__()
        self.events = events
        self.replay = replay
        """Whether these are all events from the beginning, which replace the earlier ones."""


class FailoversChanged(Message):
    """The list of all known failovers has changed; oldest first."""

    def __init__(self, failovers: Sequence[Failover]) -> None:
        super().__init__()
        self.failovers = failovers


class ResourcesMeasured(Message):
    """Resources and connections of each running node."""

    def __init__(self, resources: Mapping[str, Resources]) -> None:
        super().__init__()
        self.resources = resources


class EngineLost(Message):
    """The engine does not answer; the screen keeps the last known state."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class EngineBack(Message):
    """The engine answers again."""


class GapFelt(Message):
    """A client of this interface was without service for a while."""

    def __init__(self, gap: Gap) -> None:
        super().__init__()
        self.gap = gap


class Said(Message):
    """A progress line for people."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line = line
