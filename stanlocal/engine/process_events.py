"""What a node amounts to, from what is recorded of it, and what happened between two looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from stanlocal.engine.base import EngineEvent, Status
from stanlocal.engine.process_files import LOST_CODE, Node, NodeFiles, Run

_LOST = "its supervisor was killed or the machine restarted, so that nobody saw how it ended"


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node at one moment."""

    id: str
    created: datetime
    status: Status
    number: int = 0
    """Of the last run; 0 before the first."""
    started: datetime | None = None
    changed: datetime | None = None
    finished: datetime | None = None
    code: int | None = None
    error: str | None = None

    @property
    def runs(self) -> bool:
        return self.status in ("running", "paused")

    @classmethod
    def of(cls, files: NodeFiles, node: Node, run: Run | None) -> NodeView:
        """The node, with the end of a run that nobody could record."""
        if run is None or run.status == "refused":
            number = run.number if run else 0
            return cls(node.id, node.created, "created", number, error=run.error if run else None)
        if run.status == "exited":
            return cls(
                node.id, node.created, "exited", run.number, run.started, run.changed, run.finished, run.code
            )
        if run.over:
            finished = files.last_sign_of_life()
            return cls(
                node.id,
                node.created,
                "exited",
                run.number,
                run.started,
                run.changed,
                finished,
                LOST_CODE,
                _LOST,
            )
        return cls(node.id, node.created, run.status, run.number, run.started, run.changed)


def happened(
    before: Mapping[str, NodeView], after: Mapping[str, NodeView], now: datetime
) -> Iterator[EngineEvent]:
    """The events that lead from one look at a group to the next, node by node."""
    for name, node in after.items():
        known = before.get(name)
        if known is not None and known.id != node.id:
            yield from _destroyed(name, known, now)
            known = None
        if known is None:
            yield EngineEvent(node.created, name, "create")
            known = NodeView(node.id, node.created, "created")
        yield from _went_on(name, known, node)
    for name in before.keys() - after.keys():
        yield from _destroyed(name, before[name], now)


def _went_on(name: str, before: NodeView, after: NodeView) -> Iterator[EngineEvent]:
    if before == after:
        return
    state = before.status
    if after.number != before.number and after.started is not None:
        if before.runs:  # how it ended is overwritten by now
            yield EngineEvent(after.started, name, "die", None)
        yield EngineEvent(after.started, name, "start")
        state = "running"
    if state == "running" and after.status == "paused":
        yield EngineEvent(after.changed or after.created, name, "pause")
    elif state == "paused" and after.status == "running":
        yield EngineEvent(after.changed or after.created, name, "unpause")
    elif state in ("running", "paused") and after.status == "exited":
        yield EngineEvent(after.finished or after.created, name, "die", after.code)


def _destroyed(name: str, node: NodeView, now: datetime) -> Iterator[EngineEvent]:
    if node.runs:
        yield EngineEvent(now, name, "die", 137)
    yield EngineEvent(now, name, "destroy")
