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
from typing import TYPE_CHECKING, Any, Unpack

from stanlocal.faults.methods import FaultMethods
from stanlocal.group.core import Group, Look
from stanlocal.lifecycle.opener import GroupOpener, opener_for, this_process
from stanlocal.lifecycle.planner import TIMEOUT_S
from stanlocal.model.states import GroupState, GroupStatus
from stanlocal.settings import Settings

if TYPE_CHECKING:  # what only some commands need is loaded by the methods that use it
    from stanlocal.engine.base import Engine
    from stanlocal.faults.base import Fault
    from stanlocal.faults.injected_fault import InjectedFault
    from stanlocal.history.failovers import Failover
    from stanlocal.history.occurrences import Outage
    from stanlocal.history.timeline import Event
    from stanlocal.lifecycle.down import Down
    from stanlocal.logs.merge import NodeLine
    from stanlocal.stan.client import Client, LostCallback
    from stanlocal.stan.connecting import Connecting
    from stanlocal.stan.options import NatsOptions
    from stanlocal.sync import FTGroup as BlockingFTGroup


class FTGroup(FaultMethods):
    """An FT group of real nats-streaming-servers on this machine, up inside ``async with``.

    Without `group` it is a group of its own: it has a fresh name, ports that no other group has, and a
    store that is purged at the end. It is bound to this process: if the process is killed, the next such
    group, test run or drill removes it. With `group` it is the group of that name, and is left as it was
    found: one that ran goes on running, with the nodes and settings that it had; one that this block brought
    up goes down, and its store is kept unless `purge`.

    Settings that are not given come from the environment, the deployment in `from_file`, one or several,
    stanlocal.toml, a group of that name that is there already, and defaults, in this order; `unset` names
    settings that count nowhere, such as ``["nats.authorization"]``. `engine` is `auto`, `docker`, `process`,
    `kubernetes` (where `namespace`, `context` and `kubeconfig` say), or an engine of your own
    (`stanlocal.engine.base.Engine`), such as `stanlocal.testing.FakeEngine`. All methods raise subclasses of
    `stanlocal.errors.StanlocalError` only.
    """

    _opener: GroupOpener
    _timeout: float
    _purge: bool
    _found: Mapping[str, Any] | None
    """Plan that the group ran with when the block began; None: it did not run."""

    def __init__(
        self,
        *,
        group: str | None = None,
        nodes: int | None = None,
        engine: str | Engine | None = None,
        image: str | None = None,
        store_size: str | None = None,
        proxied: bool | None = None,
        secure: bool | None = None,
        server_binary: str | Path | None = None,
        store_dir: str | Path | None = None,
        port: int | None = None,
        preset: str | None = None,
        streaming: Mapping[str, Any] | None = None,
        nats: Mapping[str, Any] | None = None,
        unset: Sequence[str] | None = None,
        kubeconfig: str | Path | None = None,
        context: str | None = None,
        namespace: str | None = None,
        config: Path | None = None,
        from_file: str | Path | Sequence[str | Path] | None = None,
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
            "secure": secure,
            "server_binary": server_binary,
            "store_dir": store_dir,
            "port": port,
            "preset": preset,
            "streaming": streaming,
            "nats": nats,
            "unset": unset,
            "kubeconfig": kubeconfig,
            "context": context,
            "namespace": namespace,
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
                self._opener.removes_orphans = True
                await self.up(timeout=self._timeout)
            else:
                self._found = await self._opener.running_settings()
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
        """Close the connection to the engine; the group is left as it is."""
        await self._opener.close()

    @property
    def sync(self) -> BlockingFTGroup:
        """Blocking view of the same group, for plain functions and any thread."""
        from stanlocal.sync import FTGroup as BlockingFTGroup

        return BlockingFTGroup.of(self)

    def settings(self, existing: Mapping[str, Any] | None = None) -> Settings:
        """Return the effective settings, given those that an existing group decides."""
        return self._opener.settings(existing)

    async def _group(self) -> Group:
        return await self._opener.core()

    # Clients

    def connect(
        self,
        /,
        client_id: str | None = None,
        *,
        first: int = 0,
        request_timeout: float | None = None,
        ack_timeout: float = 30.0,
        max_pub_acks_inflight: int = 16384,
        ping_interval: int = 5,
        ping_max_out: int = 88,
        retry: bool = True,
        reconnect: bool = False,
        allow_close_retry: bool = False,
        on_connection_lost: LostCallback | None = None,
        next_timeout: float | None = None,
        discover_prefix: str = "_STAN.discover",
        ack_prefix: str = "_STAN.acks",
        **nats_options: Unpack[NatsOptions],
    ) -> Connecting:
        """Connect a STAN client that knows every node: ``await`` it, or use it in ``async with``.

        Without `client_id` it has a fresh one. The node of index `first` is tried first; give each client
        another to spread them over the nodes. Unless `retry` is False a message is sent again through a
        failover until it is acknowledged, and so stored at least once. The other options are those of
        `stanlocal.stan.connect`.
        """
        from stanlocal.stan.connecting import Connecting

        options = dict(
            request_timeout=request_timeout,
            ack_timeout=ack_timeout,
            max_pub_acks_inflight=max_pub_acks_inflight,
            ping_interval=ping_interval,
            ping_max_out=ping_max_out,
            retry=retry,
            reconnect=reconnect,
            allow_close_retry=allow_close_retry,
            on_connection_lost=on_connection_lost,
            next_timeout=next_timeout,
            discover_prefix=discover_prefix,
            ack_prefix=ack_prefix,
            **nats_options,
        )
        return Connecting(lambda: self._connect(client_id, first, options))

    async def _connect(self, client_id: str | None, first: int, options: Mapping[str, Any]) -> Client:
        from stanlocal import stan

        plan, _ = await (await self._group()).find()
        chosen = await self._opener.client_options(plan, options)
        urls = deque(plan.client_urls)
        urls.rotate(-first)
        return await stan.connect(tuple(urls), cluster_id=plan.cluster_id, client_id=client_id, **chosen)

    async def probe(self) -> AsyncGenerator[Outage]:
        """Publish continuously, and yield each outage once it is over, until the iterator is closed.

        The outages are recorded, so that `failovers` has the phase up to the first ack. It publishes to the
        channel `stanlocal.probe`; see `stanlocal.outages.probe.outages`.
        """
        from stanlocal.outages import probe

        client = await self.connect(f"stanlocal-probe-{secrets.token_hex(4)}")
        async with client, aclosing(probe.outages(client)) as outages:
            async for outage in outages:
                await self.record_outage(outage)
                yield outage

    async def record_outage(self, outage: Outage) -> None:
        """Record an outage that your own client saw; `failovers` then includes its first ack."""
        journal = (await self._group()).home.journal
        journal.outage_seen(outage.last_ack, outage.lost, outage.first_ack)

    # The whole group

    async def up(self, *, timeout: float = TIMEOUT_S, recreate: bool = False) -> Look:
        """Return once one node is active and every other a standby; see `stanlocal.lifecycle.up.up`."""
        return await self._opener.up(timeout=timeout, recreate=recreate)

    async def down(self, *, timeout: float | None = None, purge: bool = False) -> Down:
        """Remove the group, keeping its store unless `purge`; see `stanlocal.lifecycle.down.down`."""
        return await self._opener.down(timeout=timeout, purge=purge)

    async def look(self) -> Look:
        """Return the plan and the present status; raise `GroupNotFound` if there is no such group."""
        return await (await self._group()).look()

    async def document(self) -> dict[str, Any]:
        """Return the group document, as `stanlocal status --json` prints it."""
        group = await self._group()
        return group.document(await group.look())

    # Waiting and watching

    async def wait_active(self, *, timeout: float = 30.0) -> str:
        """Wait until exactly one node serves and return its name; `WaitTimeout` after `timeout` seconds."""
        group = await self._group()
        status = await group.wait(
            lambda status: status.active is not None, timeout=timeout, waiting_for="an active node"
        )
        assert status.active is not None
        return status.active

    async def wait_state(self, state: GroupState | str, *, timeout: float = 30.0) -> GroupStatus:
        """Wait until the group is in `state` and return its status; `WaitTimeout` after `timeout` seconds."""
        wanted = GroupState(state)
        group = await self._group()
        return await group.wait(
            lambda status: status.state is wanted, timeout=timeout, waiting_for=f"the group {wanted.value}"
        )

    async def wait_failover(self, *, since: datetime | None = None, timeout: float = 30.0) -> Failover:
        """Wait for the first failover that is complete after `since` (by default now), and return it.

        Raises `WaitTimeout` after `timeout` seconds.
        """
        return await (await self._group()).wait_failover(since=since or datetime.now(UTC), timeout=timeout)

    @asynccontextmanager
    async def during_failover(
        self, fault: Fault | None = None, *, timeout: float = 30.0
    ) -> AsyncIterator[InjectedFault]:
        """Run the block while no node serves: kill the active node, or inject the fault given.

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
        """Return every failover that the kept logs show, oldest first."""
        return await (await self._group()).failovers()

    async def events(self) -> AsyncGenerator[Event]:
        """Yield the events so far, then each as it happens."""
        async for event in (await self._group()).follow_events():
            yield event

    async def logs(
        self, nodes: Sequence[str] | None = None, *, since: datetime | None = None, tail: int | None = None
    ) -> list[NodeLine]:
        """Return the log lines of `nodes` (all by default) in time order."""
        return await (await self._group()).logs(nodes, since=since, tail=tail)


def attach(group: str = "stan", **settings: Any) -> FTGroup:
    """Return a group that runs already, or did; start nothing, and let `close()` leave it as it is."""
    return FTGroup(group=group, **settings)


async def core_of(group: FTGroup) -> Group:
    """Return the core of a group, for the rest of stanlocal; open it on its engine if it is not open."""
    return await group._group()


async def remove_orphans(group: FTGroup) -> None:
    """Remove, for the rest of stanlocal, groups on the group's engine whose process has ended."""
    await group._opener.remove_orphans()


def group_over(opener: GroupOpener) -> FTGroup:
    """Return an `FTGroup` over an opener, for the rest of stanlocal."""
    group = FTGroup.__new__(FTGroup)
    group._open(opener, TIMEOUT_S, purge=False)
    return group
