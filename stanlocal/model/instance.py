"""A node as an engine observes it: its instance, its output, its events and its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from stanlocal.model.plan import GroupPlan

Status = Literal["created", "running", "paused", "restarting", "exited"]
"""What the engine says of a node's process; what the server says of itself is another matter."""


_START_RECORDED_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Instance:
    """A node as the engine has it, at one moment."""

    group: str
    name: str
    index: int
    id: str
    status: Status
    pid: int | None
    """In this machine's process table, else None."""
    exit_code: int | None
    """Of the last run, once it has ended."""
    error: str | None
    """Why the engine could not start it, or that it was killed for its memory."""
    started_at: datetime | None
    """Start of the last run; None before the first."""
    finished_at: datetime | None
    """End of the last run; None while it runs."""
    routes_connected: bool
    """Whether it is on the network that carries routes."""
    clients_connected: bool
    """Whether clients can reach it."""
    fingerprint: str
    """`stanlocal.model.plan.fingerprint` at the time it was made."""
    plan: GroupPlan
    """The group as it was planned when the node was made."""
    begun_after: datetime | None = None
    """A moment between the end of the run before and the first line of this one; None in the first run.
    A log that has nothing later does not tell of this run yet."""

    @property
    def output_since(self) -> datetime | None:
        """A time before the first line of the last run; None before the first run.

        An engine may record the start after the process has written: on a busy machine Docker has been
        seen to be seconds late. Lines of the run before do no harm: the first line of a run says so.
        """
        return self.started_at - _START_RECORDED_WITHIN if self.started_at else None

    @property
    def running(self) -> bool:
        """Whether there is a process, frozen or not."""
        return self.status in ("running", "paused")


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """Something happened to a node."""

    time: datetime
    node: str
    action: Literal["create", "start", "die", "pause", "unpause", "destroy", "networks"]
    """`networks`: one that runs was cut off or put back. Told where other hands can do that, too."""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """How and when a node's process ended."""

    code: int
    time: datetime
    """The engine's record of it, in UTC; Docker's is within about 2 ms of the process's end."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line of a node's output, as written, without its line end."""

    time: datetime
    """When the engine received it; for live lines, when it reached us. In UTC."""
    text: str
