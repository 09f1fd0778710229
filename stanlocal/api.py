"""The Python API: `FTGroup` brings a group up, breaks it, watches it and connects clients."""

from __future__ import annotations

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
from stanlocal.lifecycle.opener import GroupOpener, opener_for, this_process
from stanlocal.lifecycle.planner import TIMEOUT_S
from stanlocal.model.plan import STOP_GRACE_S
from stanlocal.model.states import GroupState, GroupStatus
from stanlocal.settings import Settings
from stanlocal.util.tasks import together

if TYPE_CHECKING:  # what only some commands need is loaded by the methods that use it
    from stanlocal.engine.base import Engine
    from stanlocal.faults.base import Fault
    from stanlocal.faults.injected import InjectedFault
    from stanlocal.history.failovers import Failover
    from stanlocal.history.journal import FaultRecord
    from stanlocal.history.occurrences import Outage
    from stanlocal.history.timeline import Event
    from stanlocal.lifecycle.down import Down
    from stanlocal.logs.merge import NodeLine
    from stanlocal.model.plan import GroupPlan
    from stanlocal.stan.client import Client
    from stanlocal.stan.connecting import Connecting
    from stanlocal.sync import FTGroup as BlockingFTGroup


class FTGroup:
    """An FT group of real nats-streaming-servers on this machine, up inside ``async with``.

    Without `group` it is a group of its own: it has a fresh name, ports that no other group has, and a
    store that is purged at the end. It is bound to this process: if the process is killed, the next such
    group, test run or drill removes it. With `group` it is the group of that name, and is left as it was
    found: one that ran goes on running, with the nodes and settings that it had; one that this block brought
    up goes down, and its store is kept unless `purge`.

    Settings that are not given come from the environment, the deployment described by `from_file`,
    stanlocal.toml, a group of that name that is there already, and defaults, in this order. `engine` is
    `auto`, `docker`, `process`, or an engine of your own (`stanlocal.engine.base.Engine`). All methods raise
    subclasses of `stanlocal.errors.StanlocalError` only.
    """

    _opener: GroupOpener
    _timeout: float
    _purge: bool
    _found: GroupPlan | None
    """The plan that the group ran with when the block began; None: it did not run."""

    def __init__(
        self,
        *,
        group: str | None = None,
        nodes: int | None = None,
        engine: str | Engine | None = None,
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
    ) -> None:
        settings: dict[str, Any] = {
            "group": group or f"ftgroup-{secrets.token_hex(4)}",
            "nodes": nodes,
            "engine": engine,
            "image": image,
            "store_size": store_size,
            "proxied": proxied,
            "server_binary": server_binary,
            "store_dir": store_dir,
            "port": port,
            "preset": preset,
            "streaming": streaming,
            "nats": nats,
            "config": config,
            "from_file": from_file,
        }
        opener = opener_for(settings)
        if group is None:
            opener.bound_to = this_process
        self._open(opener, timeout, purge)

    def _open(self, opener: GroupOpener, timeout: float, purge: bool) -> None:
        self._opener = opener
        self._timeout = timeout
        self._purge = purge
        self._found = None

    def __repr__(self) -> str:
        return f"<FTGroup {self._opener.name or '(not open)'}>"

    def __del__(self) -> None:
        opener = getattr(self, "_opener", None)
        if opener is not None and opener.is_open:
            warnings.warn(
                f"{self!r} was not closed: use 'async with', or 'await group.close()'",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )

    async def __aenter__(self) -> FTGroup:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.close)
            if self._opener.bound_to() is not None:
                await together(self.up(timeout=self._timeout), self._opener.remove_leftovers())
            else:
                self._found = await self._opener.running_plan()
                await self.up(timeout=self._timeout)
            stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._opener.bound_to() is not None:
                await self.down(timeout=0, purge=True)
            elif self._found is not None:
                await self._opener.up(timeout=self._timeout, found=self._found)
            else:
                await self.down(purge=self._purge)
        finally:
            await self.close()

    async def close(self) -> None:
        """Let go of the engine; the group is left as it is."""
        await self._opener.close()

    @property
    def sync(self) -> BlockingFTGroup:
        """The same group without ``async``, for plain functions and any thread."""
        from stanlocal.sync import FTGroup as BlockingFTGroup

        return BlockingFTGroup.of(self)

    def settings(self, existing: Mapping[str, Any] | None = None) -> Settings:
        """The effective settings, given what a group that is there already decides."""
        return self._opener.settings(existing)

    async def core(self) -> Group:
        """The group on its engine; raises as `choose_engine` does."""
        return await self._opener.core()

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
        """Return once one node is active and every other a standby; see `stanlocal.lifecycle.up.up`."""
        return await self._opener.up(timeout=timeout, recreate=recreate)

    async def down(self, *, timeout: float | None = None, purge: bool = False) -> Down:
        """Remove the group, keeping its store unless `purge`; see `stanlocal.lifecycle.down.down`."""
        return await self._opener.down(timeout=timeout, purge=purge)

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


def group_over(opener: GroupOpener) -> FTGroup:
    """An `FTGroup` for the rest of stanlocal: of any settings, with reports of its progress."""
    group = FTGroup.__new__(FTGroup)
    group._open(opener, TIMEOUT_S, purge=False)
    return group
