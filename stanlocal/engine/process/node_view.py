"""The state of a node, derived from its recorded runs, and the events between two looks.

Only `view_of` and `look` read files; everything else is a function of its arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stanlocal.engine.process.node_files import LOST_CODE, Node, NodeFiles, Run, nodes_in
from stanlocal.engine.process.supervisor.relay import CLIENTS, ROUTES
from stanlocal.errors import NodeNotFound
from stanlocal.model.instance import EngineEvent, Instance, Status

_LOST = "its supervisor was killed or the machine restarted, so its exit code is unknown"


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node at one moment."""

    node: Node
    run: Run | None
    """The last run; None before the first."""
    over: bool
    """Whether the last run has ended, recorded or not."""
    last_sign: datetime
    """Time of the last write to the node's files."""
    cuts: frozenset[str] = frozenset()
    """Kinds of ports that are cut."""

    @property
    def _lost(self) -> bool:
        """Whether the run ended without a record of its end."""
        return self.run is not None and self.over and self.run.status not in ("exited", "refused")

    @property
    def status(self) -> Status:
        if self.run is None or self.run.status == "refused":
            return "created"
        return "exited" if self._lost else self.run.status

    @property
    def runs(self) -> bool:
        return self.status in ("running", "paused")

    @property
    def code(self) -> int | None:
        return LOST_CODE if self._lost else self.run.code if self.run else None

    @property
    def finished(self) -> datetime | None:
        return self.last_sign if self._lost else self.run.finished if self.run else None

    @property
    def changed(self) -> datetime:
        """Time of the last pause or resume."""
        return (self.run.changed if self.run else None) or self.last_sign

    def instance(self) -> Instance:
        """Return the node as an instance of the engine."""
        node, run = self.node, self.run
        return Instance(
            group=node.plan.group,
            name=node.name,
            index=node.plan.node(node.name).index,
            id=node.id,
            status=self.status,
            pid=run.server.pid if run is not None and self.runs else None,
            exit_code=self.code,
            error=_LOST if self._lost else run.error if run else None,
            started_at=None if run is None or run.status == "refused" else run.started,
            finished_at=self.finished,
            begun_after=run.started if run is not None and run.number > 1 and self.runs else None,
            routes_connected=ROUTES not in self.cuts,
            clients_connected=CLIENTS not in self.cuts,
            fingerprint=node.fingerprint,
            plan=node.plan,
        )


def view_of(files: NodeFiles) -> NodeView:
    """Read the node's current state; raises `NodeNotFound` if it does not exist."""
    node, run = files.node(), files.run()
    over = run is not None and run.over
    return NodeView(node, run, over, files.last_sign_of_life(), files.cuts())


def look(folder: Path) -> dict[str, NodeView]:
    """Read all nodes in a group's `processes` folder; keys are names."""
    views = {}
    for files in nodes_in(folder):
        try:
            view = view_of(files)
        except NodeNotFound:  # removed between the list and this look
            continue
        views[view.node.name] = view
    return views


def events_between(
    before: Mapping[str, NodeView], after: Mapping[str, NodeView], now: datetime
) -> Iterator[EngineEvent]:
    """Yield the events that lead from one look at a group to the next, node by node."""
    for name, view in after.items():
        known = before.get(name)
        if known is not None and known.node.id != view.node.id:
            yield from _destroyed(name, known, now)
            known = None
        if known is None:
            yield EngineEvent(view.node.created, name, "create")
        yield from _run_events(name, known, view)
        if known is not None and view.runs and view.cuts != known.cuts:
            yield EngineEvent(now, name, "networks")
    for name in before.keys() - after.keys():
        yield from _destroyed(name, before[name], now)


def _run_events(name: str, before: NodeView | None, after: NodeView) -> Iterator[EngineEvent]:
    was: Status = before.status if before else "created"
    run, earlier = after.run, before.run if before else None
    if run is None or after.status == "created":
        return
    if earlier is None or run.number != earlier.number:
        if was in ("running", "paused"):  # the record of its end is overwritten by now
            yield EngineEvent(run.started, name, "die")
        yield EngineEvent(run.started, name, "start")
        was = "running"
    if was == "running" and after.status == "paused":
        yield EngineEvent(after.changed, name, "pause")
    elif was == "paused" and after.status == "running":
        yield EngineEvent(after.changed, name, "unpause")
    elif was in ("running", "paused") and after.finished is not None:
        yield EngineEvent(after.finished, name, "die", after.code)


def _destroyed(name: str, view: NodeView, now: datetime) -> Iterator[EngineEvent]:
    if view.runs:
        yield EngineEvent(now, name, "die", 137)
    yield EngineEvent(now, name, "destroy")
