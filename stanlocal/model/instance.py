"""A node as an engine observes it: its instance, its output, its events and its end."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from stanlocal.model.plan import GroupPlan

Status = Literal["created", "running", "paused", "restarting", "exited"]
"""Status of a node's process, by the engine; the server's own role is a `NodeState`."""


_START_RECORDED_WITHIN = timedelta(seconds=30)
_BATCH_CHARACTERS = 1 << 18
"""Characters after which a batch of lines ends."""
_LINE_CHARACTERS = 100
"""Characters that a line counts for in addition to its text."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A node as the engine reports it at one moment."""

    group: str
    name: str
    index: int
    id: str
    status: Status
    pid: int | None
    """Process id in this machine's process table; None if the process is elsewhere."""
    exit_code: int | None
    """Exit code of the last run; None until it has ended."""
    error: str | None
    """Reason why the engine could not start it, or a note that it was killed for its memory."""
    started_at: datetime | None
    """Start of the last run; None before the first."""
    finished_at: datetime | None
    """End of the last run; None while it runs."""
    routes_connected: bool
    """Whether it is on the network that carries routes."""
    clients_connected: bool
    """Whether clients can reach it."""
    fingerprint: str
    """Value of `stanlocal.model.plan.fingerprint` at the time the node was made."""
    plan: GroupPlan
    """Plan of the group at the time the node was made."""
    begun_after: datetime | None = None
    """A moment between the end of the run before and the first line of this one; None in the first run.
    A log whose last line is older has nothing of this run yet."""
    machine: str | None = None
    """Machine that it runs on, where an engine has several; None elsewhere."""
    held: bool = False
    """Whether the engine keeps it from running, as it was asked to."""
    lost: str | None = None
    """Reason why its machine counts as lost: the process may run there, unseen. None while it answers."""

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
    """An event of a node, as the engine reports it."""

    time: datetime
    node: str
    action: Literal["create", "start", "die", "pause", "unpause", "destroy", "networks"]
    """`networks`: a running node was cut off or reconnected; only from engines where others can do so."""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a node's process."""

    code: int
    time: datetime
    """The engine's record of it, in UTC; Docker's is within about 2 ms of the process's end."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line of a node's output, as written, without its line end."""

    time: datetime
    """Time (UTC) at which the engine received the line; for live lines, at which stanlocal received it."""
    text: str


def batches(lines: Iterable[RawLine]) -> Generator[list[RawLine]]:
    """Yield the lines in batches that are not empty, each of a limited number of lines and characters."""
    batch: list[RawLine] = []
    room = _BATCH_CHARACTERS
    for line in lines:
        batch.append(line)
        room -= _LINE_CHARACTERS + len(line.text)
        if room <= 0:
            yield batch
            batch, room = [], _BATCH_CHARACTERS
    if batch:
        yield batch
