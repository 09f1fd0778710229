"""FT groups as local processes, for machines without Docker and for the fastest test loops.

Every node has a folder below the group's own (`node_files`) and, while it runs, a small parent process
(`supervisor`) that outlives the tool, keeps the output and records starts, pauses and ends. The engine only
starts supervisors, sends signals to servers and reads the records. So any later process finds the whole
group, and a tool that is killed halfway leaves a consistent state.

A process is signalled only if its pid and its start time match the record.

All nodes share the host's loopback. Each node's supervisor listens on the node's ports and forwards
connections to the server, or cuts them (`supervisor.relay`).

When the caller is root, the servers run as another user, who cannot reach files below root's home folder.
Each server therefore starts in its configuration's folder and inherits an open descriptor of the store,
which on Linux has a path (/proc/self/fd/3).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal as signals
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import stanlocal
from stanlocal.engine.artifacts.binary import host_platform
from stanlocal.engine.base import ABLE, EngineInfo, OwnNodes, Progress
from stanlocal.engine.process.groups import FOLDER, groups_in
from stanlocal.engine.process.node_files import Node, NodeFiles, Run, nodes_in, remove_leftovers
from stanlocal.engine.process.node_view import NodeView, events_between, look, view_of
from stanlocal.engine.process.output import Tail, kept, last_lines
from stanlocal.engine.process.requests import LOOK_AGAIN_S, apply_requests, change_cuts, until
from stanlocal.engine.process.server_binary import find_server
from stanlocal.engine.process.signals import send
from stanlocal.engine.process.start import port_in_use, start
from stanlocal.engine.process.supervisor.main import FULL
from stanlocal.engine.process.supervisor.relay import CLIENTS, ROUTES
from stanlocal.engine.process.supervisor.spawn import STORE_FD
from stanlocal.errors import (
    EngineError,
    EngineUnavailable,
    NodeNotFound,
    NodePaused,
    Unsupported,
)
from stanlocal.machine.folder_changes import FolderChanges
from stanlocal.machine.ports import is_free
from stanlocal.machine.user_dirs import make_private, state_home
from stanlocal.model.instance import EngineEvent, Exit, Instance, RawLine
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan, Monitor, NodePlan
from stanlocal.util.tasks import run_to_end, together

_SUPERVISOR_GRACE_S = 5.0
"""Seconds for a supervisor to record its server's end before it is killed; it takes milliseconds."""
_ENDING = frozenset({"SIGTERM", "SIGINT", "SIGQUIT", "SIGABRT"})
"""Signals that a server handles by ending, which it cannot do while paused."""


class ProcessEngine(OwnNodes):
    """An `Engine` of local processes; see `stanlocal.engine.base.Engine` for the promises."""

    name = "process"
    retry_s = 0.5
    lacks = ABLE

    def __init__(self, home: Path | None = None) -> None:
        self._home = home or state_home()
        self._servers: dict[str, Path] = {}
        if os.geteuid() == 0 and sys.platform != "linux":
            raise EngineUnavailable(
                "the process engine does not run as root on this system; use your own user"
            )
        own_user = os.geteuid() != 0
        self.placement = Placement(
            self.name,
            own_network=False,
            store_mount=None if own_user else f"/proc/self/fd/{STORE_FD}",
            fills_any_store=sys.platform == "linux",
        )

    # Inspection

    async def info(self) -> EngineInfo:
        return EngineInfo(
            name=self.name,
            version=stanlocal.__version__,
            address=str(self._home),
            architecture=host_platform().architecture,
            rootless=False,
            local=True,
        )

    async def groups(self) -> Sequence[str]:
        return groups_in(self._home)

    async def instances(self, group: str) -> Sequence[Instance]:
        found = (view.instance() for view in look(self._home / group / FOLDER).values())
        return sorted(found, key=lambda instance: instance.index)

    def _files(self, node: str) -> NodeFiles:
        group, _, index = node.rpartition("-")
        if group in ("", ".", "..") or not index.isdigit() or "/" in group:
            raise NodeNotFound(f"{node!r} is not the name of a node; see 'stanlocal status'")
        return NodeFiles(self._home / group / FOLDER / node)

    def _of(self, node: str) -> tuple[NodeFiles, Run | None]:
        """Return the node's files and last run; raises `NodeNotFound` if there is no such node."""
        files = self._files(node)
        files.node()
        return files, files.run()

    async def kept_plan(self, group: str) -> GroupPlan | None:
        return None

    def monitor(self, plan: GroupPlan, node: NodePlan) -> Monitor:
        return plan.monitor(node)

    def container_of_port(self, port: int) -> str | None:
        return None

    # Creation and removal

    async def provision(self, image: str, server_binary: Path | None, progress: Progress) -> None:
        self._servers[image] = await find_server(image, server_binary, progress)

    async def provision_proxy(self, progress: Progress) -> None:
        raise _only_with_docker("a proxy in the path")

    async def place(self, group: str, image: str, folder: Path) -> Placement:
        """Return the one placement there is: the nodes are processes of this machine."""
        return self.placement

    async def check_lock(self, plan: GroupPlan) -> None:
        """Check nothing: all nodes share one kernel, which grants the lock to one process only."""

    async def prepare(self, plan: GroupPlan) -> None:
        if plan.store_size is not None:
            raise _only_with_docker("a store with a limit")
        make_private(self._home / plan.group / FOLDER)

    async def create(self, plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
        if plan.image not in self._servers:
            await self.provision(plan.image, None, lambda line: None)
        made = Node(
            id=secrets.token_hex(16),
            created=datetime.now(UTC),
            name=node.name,
            fingerprint=fingerprint,
            binary=str(self._servers[plan.image]),
            plan=plan,
        )
        self._files(node.name).make(made)

    async def fill_store(self, plan: GroupPlan) -> None:
        """Simulate a full disk by file size limits of the servers; the disk itself stays as it is."""
        if not self.placement.fills_any_store:
            raise _only_with_docker("a full disk")
        folder = self._home / plan.group / FOLDER
        (folder / FULL).touch(0o600)
        await run_to_end(apply_requests(folder))

    async def free_store(self, plan: GroupPlan) -> None:
        folder = self._home / plan.group / FOLDER
        (folder / FULL).unlink(missing_ok=True)
        await run_to_end(apply_requests(folder))

    async def store_parts(self, group: str) -> frozenset[str]:
        """Return nothing: the stores are folders."""
        return frozenset()

    async def discard_store(self, group: str, keep: frozenset[str] = frozenset()) -> None:
        """Do nothing: the store is a folder, not the engine's."""

    async def control_proxy(self, plan: GroupPlan, arguments: Sequence[str]) -> str:
        raise _only_with_docker("a proxy in the path")

    async def limit_cpu(self, node: str, cores: float) -> None:
        raise _only_with_docker("a CPU limit")

    async def remove(self, node: str) -> None:
        await run_to_end(self._remove(self._files(node)))

    async def _remove(self, files: NodeFiles) -> None:
        """Kill the server, then remove the files; the lock is free once no supervisor lives or starts."""
        deadline = asyncio.get_running_loop().time() + _SUPERVISOR_GRACE_S
        lost = False
        with FolderChanges() as changes:
            while files.folder.exists():
                lost = files.remake_lock() or lost
                run, lock = files.run(), files.try_lock()
                if run is not None:
                    send(run.server, signals.SIGKILL)
                lives = run is not None and (run.server.alive or (lost and run.supervisor.alive))
                try:
                    if lock is not None and not lives:
                        files.remove()
                        return
                finally:
                    if lock is not None:
                        os.close(lock)
                if run is not None and asyncio.get_running_loop().time() > deadline:
                    send(run.supervisor, signals.SIGKILL)
                changes.watch(files.folder)
                await changes.wait(0.02)

    async def clean(self, group: str, nodes: Sequence[str] = ()) -> None:
        await together(*(self.remove(node) for node in nodes))
        remove_leftovers(self._home / group / FOLDER)

    # Actions on a node

    async def start(self, plan: GroupPlan, node: str) -> None:
        files, run = self._of(node)
        if run is not None and not run.over:
            return
        for port in files.node().plan.node(node).host_ports:
            if not is_free(port):
                raise port_in_use(node, port)
        await run_to_end(start(files))

    async def signal(self, node: str, signal: str) -> None:
        _, run = self._of(node)
        number = getattr(signals.Signals, signal, None)
        if number is None:
            raise EngineError(f"{signal!r} is not a signal of this system")
        if run is None:
            return
        frozen = run.status == "paused"
        if send(run.server, number) and frozen and signal in _ENDING:
            send(run.server, signals.SIGCONT)

    async def stop(self, node: str, grace_s: float) -> None:
        await run_to_end(self._stop(node, grace_s))

    async def _stop(self, node: str, grace_s: float) -> None:
        files = self._files(node)
        await self.signal(node, "SIGTERM")
        try:
            async with asyncio.timeout(grace_s):
                await until(files, lambda run: run.over)
        except TimeoutError:
            await self.signal(node, "SIGKILL")
            await until(files, lambda run: run.over)

    async def wait_exit(self, node: str) -> Exit:
        files, _ = self._of(node)
        await until(files, lambda run: run.over)
        view = view_of(files)
        if view.code is None or view.finished is None:
            raise EngineError(f"{node} has not run yet; start it")
        return Exit(view.code, view.finished)

    async def pause(self, node: str) -> None:
        await run_to_end(self._pause(node))

    async def _pause(self, node: str) -> None:
        files, run = self._of(node)
        if run is None or run.over:
            raise EngineError(f"{node} does not run; start it before pausing it")
        if run.status == "paused":
            return
        if not run.unrecorded:
            send(run.server, signals.SIGSTOP)
            await until(files, lambda run: run.status != "running" or run.over or run.unrecorded)
            run = files.run()
        if run is not None and run.unrecorded and run.status == "running":
            send(run.server, signals.SIGCONT)  # later commands would not know that it is paused
            raise EngineError(f"{node} cannot be paused, as its supervisor was killed; restart it first")

    async def unpause(self, node: str) -> None:
        await run_to_end(self._unpause(node))

    async def _unpause(self, node: str) -> None:
        files, run = self._of(node)
        if run is not None and run.status == "paused":
            send(run.server, signals.SIGCONT)
            await until(files, lambda run: run.status != "paused" or run.over or run.unrecorded)

    async def disconnect_routes(self, plan: GroupPlan, node: str) -> None:
        await self._cut(node, lambda cuts: cuts | {ROUTES})

    async def isolate(self, plan: GroupPlan, node: str) -> None:
        await self._cut(node, lambda cuts: frozenset({ROUTES, CLIENTS}))

    async def rejoin(self, plan: GroupPlan, node: str) -> None:
        await self._cut(node, lambda cuts: frozenset())

    async def _cut(self, node: str, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        files, _ = self._of(node)
        await run_to_end(change_cuts(files, change(files.cuts())))

    # Watching

    async def output(self, node: str, *, since: datetime | None = None) -> AsyncGenerator[Sequence[RawLine]]:
        files, _ = self._of(node)
        with closing(kept(files.log, since=since)) as batches:
            while batch := await run_to_end(asyncio.to_thread(next, batches, None)):
                yield batch

    async def tail(self, node: str, count: int) -> Sequence[RawLine]:
        files, _ = self._of(node)
        return await asyncio.to_thread(last_lines, files.log, count)

    async def attach(self, node: str) -> AsyncGenerator[Sequence[RawLine]]:
        files, run = self._of(node)
        if run is not None and run.status == "paused" and not run.over:
            raise NodePaused(f"{node} is paused; unpause it first")
        awaited = 1 if run is None else run.number + run.over
        with FolderChanges() as changes, Tail(files.log) as tail:
            yield []
            while True:
                changes.watch(files.folder, files.log)
                run = files.run()
                over = run is not None and (run.number > awaited or (run.number == awaited and run.over))
                while batch := tail.read():
                    yield batch
                if over or not files.folder.exists():
                    return
                await changes.wait(LOOK_AGAIN_S)

    def events(self, group: str) -> AsyncGenerator[EngineEvent]:
        folder = self._home / group / FOLDER
        return self._events(folder, look(folder))

    async def _events(self, folder: Path, seen: dict[str, NodeView]) -> AsyncGenerator[EngineEvent]:
        with FolderChanges() as changes:
            while True:
                changes.watch(folder, *(files.folder for files in nodes_in(folder)))
                now = look(folder)
                for event in events_between(seen, now, datetime.now(UTC)):
                    yield event
                seen = now
                await changes.wait(LOOK_AGAIN_S)

    async def close(self) -> None:
        """Do nothing: the engine holds no connection."""


def _only_with_docker(what: str) -> Unsupported:
    return Unsupported(f"{what} is unavailable with local processes; use a group made with '--engine docker'")
