"""What the feed tells the screen, and what the screen's parts ask of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.message import Message

from stanlocal.group.resources import Vitals
from stanlocal.history.failovers import Failover
from stanlocal.history.timeline import Event
from stanlocal.logs.merge import NodeLine
from stanlocal.model.states import GroupStatus
from stanlocal.outages.gaps import Gap


class GroupChanged(Message):
    """The group is not what it was; also the first message about a group."""

    def __init__(self, document: Mapping[str, Any], status: GroupStatus, missing: Sequence[str]) -> None:
        super().__init__()
        self.document = document
        """The group document of the contract."""
        self.status = status
        self.missing = tuple(missing)
        """Nodes that belong to the group and are gone from the engine."""


class GroupMissing(Message):
    """There is no such group; `reason` says what was looked for."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class LogLines(Message):
    """Lines of all nodes as they came, several batches of them at once."""

    def __init__(self, lines: Sequence[NodeLine], passed_over: int, *, anew: bool) -> None:
        super().__init__()
        self.lines = lines
        self.anew = anew
        """Whether it begins with the past again; what was told before is then told twice."""
        self.passed_over = passed_over
        """How many older ones there were since the last message, which are not among `lines`."""


class EventSeen(Message):
    """What happened, oldest first."""

    def __init__(self, events: Sequence[Event], *, anew: bool) -> None:
        super().__init__()
        self.events = events
        self.anew = anew
        """Whether they are all that ever happened, once more."""


class FailoversChanged(Message):
    """Every failover that is known, oldest first."""

    def __init__(self, failovers: Sequence[Failover]) -> None:
        super().__init__()
        self.failovers = failovers


class VitalsMeasured(Message):
    """What each node that runs uses and carries now."""

    def __init__(self, vitals: Mapping[str, Vitals]) -> None:
        super().__init__()
        self.vitals = vitals


class EngineLost(Message):
    """The engine does not answer; what is shown is what was known last."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class EngineBack(Message):
    """The engine answers again."""


class GapFelt(Message):
    """A client that was started here went without service."""

    def __init__(self, gap: Gap) -> None:
        super().__init__()
        self.gap = gap


class Said(Message):
    """A line for people, of what goes on behind a call."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line = line
