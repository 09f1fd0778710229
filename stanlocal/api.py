"""`FTGroup`: what users hold. Puts core, faults and clients together."""

from __future__ import annotations

import logging
import os
import secrets
import warnings
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from stanlocal.group.core import Group, Look
from stanlocal.lifecycle.engine_choice import choose_engine, group_home, reserved_ports, server_user
from stanlocal.lifecycle.planner import TIMEOUT_S, Report, UpRequest
from stanlocal.model.plan import STOP_GRACE_S
from stanlocal.model.states import GroupState, GroupStatus
from stanlocal.settings import Settings, load

if TYPE_CHECKING:  # what only some commands need is loaded by the methods that use it
    from stanlocal.faults.base import Fault
    from stanlocal.faults.injected import InjectedFault
    from stanlocal.history.failovers import Failover
    from stanlocal.history.journal import FaultRecord
    from stanlocal.history.occurrences import Outage
    from stanlocal.history.timeline import Event
    from stanlocal.imports import Import
    from stanlocal.lifecycle.down import Down
    from stanlocal.logs.merge import NodeLine
    from stanlocal.stan.client import Client
    from stanlocal.stan.connecting import Connecting
    from stanlocal.sync import FTGroup as BlockingFTGroup

_LOG = logging.getLogger("stanlocal")


class FTGroup:
    """An FT group of real nats-streaming-servers on this machine.

    As an async context manager it is up inside and down afterwards; the store is kept unless `purge`.
    Settings that are not given come from the environment, the deployment described by `from_file`,
    stanlocal.toml, a group of that name that is there already, and defaults, in this order. With
    `bound_to`, a process as `orphans.this_process` names it, the group is made for that process
    alone: it keeps off the usual ports, and `orphans.remove` takes it away once the process is
    gone. All methods raise subclasses of `stanlocal.errors.StanlocalError` only.
    """

    def __init__(
        self,
        *,
        group: str | None = None,
        nodes: int | None = None,
        engine: str | None = None,
        image: str | None = None,
        store_size: str | None = None,
        proxied: bool | None = None,
        server_binary: str | Path | None = None,
        store_dir: str | Path | None = None,
        port: int | None = None,
        preset: str | None = None,
        streaming: Mapping[str, Any] | None = None,
        nats: Mapping[str, Any] | None = None,
        config: Path | None = None,
        from_file: str | Path | None = None,
        timeout: float = TIMEOUT_S,
        purge: bool = False,
        bound_to: str | None = None,
        report: Report = lambda line: None,
        note: Report = _LOG.warning,
    ) -> None:
        self._flags: dict[str, Any] = {
            "group": group,
            "nodes": nodes,
            "engine": engine,
            "image": image,
            "store_size": store_size,
            "proxied": proxied,
            "server_binary": str(server_binary) if server_binary else None,
            "store_dir": str(store_dir) if store_dir else None,
            "port": port,
            "preset": preset,
            "streaming": streaming,
            "nats": nats,
        }
        self._config = config
        self._from_file = Path(from_file) if from_file else None
        self._import: Import | None = None
        self._timeout = timeout
        self._purge = purge
        self._bound_to = bound_to
        self._report = report
        self._note = note
        self._core: Group | None = None

    def __repr__(self) -> str:
        return f"<FTGroup {self._core.name if self._core else self._flags['group'] or '(not open)'}>"

    def __del__(self) -> None:
        if getattr(self, "_core", None) is not None:
            warnings.warn(
                f"{self!r} was not closed: use 'async with', or 'await group.close()'",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )

    async def __aenter__(self) -> FTGroup:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.close)
            await self.up(timeout=self._timeout)
            stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.down(purge=self._purge)
        finally:
            await self.close()

    async def close(self) -> None:
        """Lets go of the engine; the group is left as it is."""
        if self._core is not None:
            await self._core.engine.close()
            self._core = None

    @property
    def sync(self) -> BlockingFTGroup:
        """The same group without ``async``, for plain functions and any thread."""
        from stanlocal.sync import FTGroup as BlockingFTGroup

        return BlockingFTGroup.of(self)

    def settings(self, existing: Mapping[str, Any] | None = None) -> Settings:
        """The effective settings, given what a group that is there already decides."""
        imported = self._imported()
        layer = imported.layer if imported else None
        return load(self._flags, os.environ, self._config, Path.cwd(), existing, layer)

    def _imported(self) -> Import | None:
        """The deployment in `from_file`; what is not taken over from it is noted once."""
        if self._from_file is not None and self._import is None:
            from stanlocal.imports import read

            self._import = read(self._from_file, os.environ)
            for finding in self._import.findings:
                self._note(str(finding))
        return self._import

    async def core(self) -> Group:
        """The group on its engine; raises as `choose_engine` does."""
        if self._core is None:
            settings = self.settings()
            home = group_home(settings.group)
            engine = choose_engine(settings.engine, home, self._note)
            self._core = Group(engine, settings.group, home)
        return self._core

    # Clients

    def connect(self, /, client_id: str, *, first: int = 0, **options: Any) -> Connecting:
        """A STAN client that knows every node: ``await`` it, or use it in ``async with``.

        The node of index `first` is tried first; clients are spread over the nodes by giving each another.

        It publishes with `retry` unless told otherwise: a message is sent again through a failover until
        it is acknowledged, and so stored at least once. `options` are those of `stanlocal.stan.connect`.
        """
        from stanlocal.stan.connecting import Connecting

        return Connecting(lambda: self._connect(client_id, first, options))

    async def _connect(self, client_id: str, first: int, options: Mapping[str, Any]) -> Client:
        from stanlocal import stan

        plan, _ = await (await self.core()).find()
        chosen = {"retry": True, **options}
        urls = deque(plan.client_urls)
        urls.rotate(-first)
        return await stan.connect(tuple(urls), cluster_id=plan.cluster_id, client_id=client_id, **chosen)

    async def probe(self) -> AsyncGenerator[Outage]:
        """Publishes all the time, and yields each outage once it is over, until it is closed.

        The outages go on record, so that `failovers` has the phase up to the first ack. It publishes to the
        channel `stanlocal.probe`; see `stanlocal.outages.probe.outages`.
        """
        from stanlocal.outages import probe

        client = await self.connect(f"stanlocal-probe-{secrets.token_hex(4)}")
        async with client, aclosing(probe.outages(client)) as outages:
            async for outage in outages:
                await self.record_outage(outage)
                yield outage

    async def record_outage(self, outage: Outage) -> None:
        """Puts on record what a client of one's own saw; `failovers` then tells the first ack, too."""
        from stanlocal.outages import probe

        (await self.core()).home.journal.append(probe.record(outage))

    # The whole group

    async def up(self, *, timeout: float = TIMEOUT_S, recreate: bool = False) -> Look:
        """Returns once one node is active and every other a standby; see `stanlocal.lifecycle.up.up`."""
        from stanlocal.lifecycle import up

        group = await self.core()
        engine = group.engine

        async def ensure_image(settings: Settings) -> None:
            await engine.provision(settings.image, settings.server_binary, self._report)
            if settings.proxied:
                await engine.provision_proxy(self._report)

        request = UpRequest(
            settings=self.settings,
            ensure_image=ensure_image,
            user=await server_user(engine),
            timeout=timeout,
            recreate=recreate,
            reserved_ports=reserved_ports(group.name),
            first_port=None if self._bound_to is None else _some_port(),
            bound_to=self._bound_to,
            container_of_port=engine.container_of_port,
            report=self._report,
            note=self._note,
        )
        return await up.up(group, request)

    async def down(self, *, timeout: float | None = None, purge: bool = False) -> Down:
        """Removes the group, keeping its store unless `purge`; see `stanlocal.lifecycle.down.down`."""
        from stanlocal.lifecycle import down

        return await down.down(await self.core(), timeout=timeout, purge_store=purge, report=self._report)

    async def look(self) -> Look:
        """Plan and status now, derived afresh; `GroupNotFound` when there is no such group."""
        return await (await self.core()).look()

    async def document(self) -> dict[str, Any]:
        """The group document of the contract."""
        group = await self.core()
        return group.document(await group.look())

    # Nodes: targets are names, indexes, @active, @standby, @all; each returns once the engine confirms

    async def kill(self, *targets: str, signal: str = "SIGKILL") -> InjectedFault:
        """Ends the targets' processes by a signal; `SettingsError` for one that does not end a server."""
        from stanlocal.faults.kill import Kill

        return await self.inject(Kill(signal), *targets)

    async def send_signal(self, signal: str, *targets: str) -> None:
        """Sends a signal that does not end a server (SIGHUP: reload, SIGUSR1: reopen the log); no fault."""
        from stanlocal.faults import injection

        await injection.send_signal(await self.core(), targets, signal)

    async def stop(self, *targets: str, timeout: float = STOP_GRACE_S) -> InjectedFault:
        """SIGTERM, and SIGKILL after `timeout` seconds; a node that does not run is left."""
        from stanlocal.faults.stop import Stop

        return await self.inject(Stop(timeout), *targets)

    async def restart(self, *targets: str, timeout: float = STOP_GRACE_S) -> InjectedFault:
        """Stops and starts the targets, one after the other."""
        from stanlocal.faults.stop import Restart

        return await self.inject(Restart(timeout), *targets)

    async def pause(self, *targets: str) -> InjectedFault:
        """Freezes the targets; an active one keeps the store lock, which blocks the group."""
        from stanlocal.faults.pause import Pause

        return await self.inject(Pause(), *targets)

    async def unpause(self, *targets: str) -> None:
        """Lets frozen targets go on."""
        from stanlocal.faults import injection

        await injection.unpause(await self.core(), targets)

    async def start(self, *targets: str) -> None:
        """Starts targets that do not run."""
        from stanlocal.faults import injection

        await injection.start(await self.core(), targets)

    async def partition(self, *targets: str) -> InjectedFault:
        """Cuts the targets' routes; clients still reach them, and an active one keeps the store lock."""
        from stanlocal.faults.cut import Partition

        return await self.inject(Partition(), *targets)

    async def isolate(self, *targets: str) -> InjectedFault:
        """Cuts the targets off from nodes and clients; an active one keeps the store lock."""
        from stanlocal.faults.cut import Isolate

        return await self.inject(Isolate(), *targets)

    async def rolling_restart(self, *targets: str, timeout: float = STOP_GRACE_S) -> InjectedFault:
        """Restarts the targets (by default all) one by one, the active node last."""
        from stanlocal.faults.stop import RollingRestart

        return await self.inject(RollingRestart(timeout), *targets)

    async def expire_lock(self, *targets: str) -> InjectedFault:
        """Lets the active node (by default) lose its lock unawares: two actives until it is healed."""
        from stanlocal.faults.expire_lock import ExpireLock

        return await self.inject(ExpireLock(), *targets)

    async def inject(self, fault: Fault, *targets: str, for_s: float | None = None) -> InjectedFault:
        """Injects any fault of `stanlocal.faults`.

        With `for_s` it is to be over so many seconds after its effect: `InjectedFault.last` heals it then; if
        nobody does, the next call or command that changes the group will.
        """
        from stanlocal.faults import injection
        from stanlocal.faults.injected import InjectedFault

        group = await self.core()
        return InjectedFault(group, await injection.inject(group, fault, targets, for_s=for_s))

    async def heal(self, *targets: str) -> list[FaultRecord]:
        """Undoes the faults in force on the targets, or without targets all of them; returns those."""
        from stanlocal.faults import injection

        return await injection.heal(await self.core(), targets)

    async def put_store_back(self, snapshot: str) -> str:
        """Stops the nodes, makes the store what the snapshot is, and starts them again.

        A fault that can cost data took one before: `record.notes["snapshot"]`. Returns the name of a snapshot
        of what was in the store until now.
        """
        from stanlocal.faults import injection

        return await injection.put_store_back(await self.core(), snapshot)

    async def repair_store(self) -> str:
        """Has one node, once, drop a torn last record from the store; for a group of which no node runs.

        By the server's own `-file_truncate_bad_eof`; then all nodes are started. Returns the server's line.
        """
        from stanlocal.faults import injection

        return await injection.repair_store(await self.core())

    async def faults(self) -> list[FaultRecord]:
        """Every fault that there was, with what was expected and what was observed, oldest first."""
        from stanlocal.faults import outcome

        return await outcome.with_outcomes(await self.core())

    # Waiting and watching

    async def wait_active(self, *, timeout: float = 30.0) -> str:
        """The name of the node that serves, as soon as exactly one does; `WaitTimeout` after `timeout` s."""
        group = await self.core()
        status = await group.wait(
            lambda status: status.active is not None, timeout=timeout, waiting_for="an active node"
        )
        assert status.active is not None
        return status.active

    async def wait_state(self, state: GroupState | str, *, timeout: float = 30.0) -> GroupStatus:
        """The status as soon as the group is in that state; `WaitTimeout` after `timeout` seconds."""
        wanted = GroupState(state)
        group = await self.core()
        return await group.wait(
            lambda status: status.state is wanted, timeout=timeout, waiting_for=f"the group {wanted.value}"
        )

    async def wait_failover(self, *, since: datetime | None = None, timeout: float = 30.0) -> Failover:
        """The first failover that is complete after `since` (by default now).

        Raises `WaitTimeout` after `timeout` seconds.
        """
        return await (await self.core()).wait_failover(since=since or datetime.now(UTC), timeout=timeout)

    @asynccontextmanager
    async def during_failover(
        self, fault: Fault | None = None, *, timeout: float = 30.0
    ) -> AsyncIterator[InjectedFault]:
        """Runs the block while nobody serves: kills the active node, or injects the fault given.

        At the end it waits until another node serves, `timeout` seconds at most, and heals the fault; then
        the group is healthy again. When the block raises, the fault is healed all the same. Raises
        `WaitTimeout` when there was no failover: not every fault brings one.
        """
        from stanlocal.faults.kill import Kill

        injected = await self.inject(fault or Kill())
        try:
            yield injected
            await injected.failover(timeout=timeout)
        finally:
            await injected.heal()
        await self.wait_state(GroupState.HEALTHY, timeout=timeout)

    async def failovers(self) -> list[Failover]:
        """Every failover that the logs still tell of, oldest first."""
        return await (await self.core()).failovers()

    async def events(self) -> AsyncGenerator[Event]:
        """What happened so far, then what happens."""
        async for event in (await self.core()).follow_events():
            yield event

    async def logs(
        self, nodes: Sequence[str] | None = None, *, since: datetime | None = None, tail: int | None = None
    ) -> list[NodeLine]:
        """The lines of `nodes` (all by default) in the order of time."""
        return await (await self.core()).logs(nodes, since=since, tail=tail)


def attach(group: str = "stan", **settings: Any) -> FTGroup:
    """A group that runs already, or did; nothing is started, and `close()` leaves it as it is."""
    return FTGroup(group=group, **settings)


def _some_port() -> int:
    """Below those that Linux gives to connections: for a group whose ports nobody knows by heart."""
    return 15_000 + secrets.randbelow(16_000)
