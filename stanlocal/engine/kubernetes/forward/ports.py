"""Ports of 127.0.0.1 for every pod of a group, which stay while pods are replaced.

A watch over the pods resets the connections to a pod that is gone: its machine reports the end of a
connection only a second later, and a client that waits for a dead server does not look for another. While
the API server is away, connections are reset at once.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import AsyncGenerator, Collection, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any

from stanlocal.engine.forwarding import Address, NodeReach
from stanlocal.engine.kubernetes.access import Access
from stanlocal.engine.kubernetes.answers import Json
from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.forward.channel import Channel, opened
from stanlocal.engine.kubernetes.forward.node_port import NodePort
from stanlocal.engine.kubernetes.forward.reach import follow
from stanlocal.engine.kubernetes.pod_feed import Feed
from stanlocal.engine.kubernetes.pods import index_of, lost, run_of, selector_of, uid_of
from stanlocal.engine.kubernetes.workload import Reader, View, Workloads, pods_path
from stanlocal.errors import EngineError, GroupNotFound, NotAllowed, PortInUse
from stanlocal.machine.ports import port_owner
from stanlocal.model.plan import CLIENT_PORT, GroupPlan

log = logging.getLogger(__name__)

_RETRY_S = 0.1
"""Pause before the API server is asked again; it doubles up to the longest."""
_LONGEST_RETRY_S = 1.0
_CHECK_S = 2.0
"""Seconds for the trial whether ports may be forwarded."""


@dataclass(slots=True)
class _Node:
    """A node's port, and the pod behind it."""

    port: NodePort
    doubted: asyncio.Event
    """Set when its server may be reached in another way than was known."""
    uid: str | None = None
    """The pod that its connections go to; None while there is none, or its machine is lost."""
    run: tuple[str, bool] = field(default=("", False))
    """The container and whether it runs."""


class PodPorts:
    """The ports of one group; a `stanlocal.engine.forwarding.Forwarding`."""

    def __init__(
        self, workloads: Workloads, api: Api, group: str, port: int, wanted: Mapping[str, int]
    ) -> None:
        """Take the servers' port, and the local ports that nodes are to have; others get any that is free.

        `api` is closed with the ports.
        """
        self._workloads = workloads
        self._api = api
        self._group = group
        self._port = port
        self._wanted = wanted
        self._nodes: dict[str, _Node] = {}
        self._listening = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._away: str | None = None
        """Reason why the API server gives no answer; None while it does."""
        self._reports: asyncio.Queue[NodeReach] | None = None
        """Changes that `changes` is to yield; None while no one asks for them."""

    async def __aenter__(self) -> PodPorts:
        try:
            view = await self._view()
            await self._check_permission(view)
            await self.addresses([name for _, name in view.names()])
            for name, pod in view.pods.items():  # so that the watch notices one that goes before it begins
                await self._see(name, pod, view.deployment.container)
            self._spawn(self._watch())
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(node.port.close() for node in self._nodes.values()))
        await self._api.close()

    async def addresses(self, nodes: Collection[str] = ()) -> Mapping[str, Address]:
        async with self._listening:
            for name in nodes:
                if name not in self._nodes:
                    await self._listen(name)
        return {name: node.port.address for name, node in self._nodes.items()}

    async def changes(self) -> AsyncGenerator[NodeReach]:
        reports = self._reports = asyncio.Queue()
        for name in self._nodes:
            self._follow(name)
        while True:
            yield await reports.get()

    async def _listen(self, name: str) -> None:
        doubted = asyncio.Event()
        port, wanted = NodePort(partial(self._open, name), doubted.set), self._wanted.get(name, 0)
        try:
            await port.listen(wanted)
        except OSError as error:
            raise await _refusal(wanted, error) from error
        self._nodes[name] = _Node(port, doubted)
        if self._reports is not None:
            self._follow(name)

    def _open(self, name: str) -> AbstractAsyncContextManager[Channel]:
        return opened(self._api, pods_path(self._workloads.namespace, name), self._port)

    def _follow(self, name: str) -> None:
        assert self._reports is not None
        node, report = self._nodes[name], self._reports.put_nowait
        self._spawn(
            follow(
                name, node.port.address, partial(self._open, name), node.doubted, lambda: self._away, report
            )
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a forwarded port is no longer watched", exc_info=error)

    # The pods

    async def _view(self) -> View:
        view = await self._workloads.find(self._group)
        if view is None:
            raise GroupNotFound(f"no group '{self._group}' in namespace {self._workloads.namespace}")
        return view

    async def _check_permission(self, view: View) -> None:
        """Raise `NotAllowed` if no pod's port may be forwarded: later, clients would see only resets."""
        name = next((name for name in sorted(view.pods) if view.away(name) is None), None)
        if name is None:
            return
        try:
            async with asyncio.timeout(_CHECK_S), self._open(name):
                pass
        except NotAllowed:
            raise
        except (EngineError, TimeoutError) as error:
            log.debug("%s is not reached yet: %s", name, error)

    async def _watch(self) -> None:
        pause = _RETRY_S
        while True:
            try:
                view = await self._view()
                feed = self._feed(view)
                found = await feed.list()
                self._set_away(None)
                pause = _RETRY_S
                for name in sorted({*self._nodes, *found}):
                    await self._see(name, found.get(name), view.deployment.container)
                async with aclosing(feed.changes()) as changes:
                    async for name, _, pod in changes:
                        await self._see(name, pod, view.deployment.container)
            except (EngineError, GroupNotFound) as error:
                self._set_away(str(error))
            await asyncio.sleep(pause)
            pause = min(_LONGEST_RETRY_S, 2 * pause)

    def _feed(self, view: View) -> Feed:
        query = {"labelSelector": selector_of(view.workload)}
        path = pods_path(self._workloads.namespace)
        return Feed(self._api, path, query, lambda pod: index_of(pod, self._group) is not None)

    def _set_away(self, why: str | None) -> None:
        if (self._away is None) != (why is None):
            for node in self._nodes.values():
                node.doubted.set()
        self._away = why

    async def _see(self, name: str, pod: Json | None, container: str) -> None:
        """Take the pod that has the node's name now; reset the connections to the one before."""
        if pod is not None:
            await self.addresses([name])
        if (node := self._nodes.get(name)) is None:
            return
        reachable = pod is not None and lost(pod, None) is None
        uid = uid_of(pod) if pod is not None and reachable else None
        known = run_of(pod or {}, container)
        run = known.container_id, known.running
        if node.uid is not None and uid != node.uid:
            node.port.cut()
        if (uid, run) != (node.uid, node.run):
            node.doubted.set()
        node.uid, node.run = uid, run


async def _refusal(port: int, error: OSError) -> EngineError:
    """Return the error for a port that cannot be listened on; 0 is any port."""
    if port and error.errno == errno.EADDRINUSE:
        owner = await asyncio.to_thread(port_owner, port)
        whose = f" by {owner}" if owner else ""
        return PortInUse(f"port {port} is taken{whose}; choose another with '--port'", port, owner)
    which = f"port {port}" if port else "a free port"
    return EngineError(f"cannot listen on {which} of 127.0.0.1: {os.strerror(error.errno or 0)}")


def ports_of(plan: GroupPlan, wanted: Mapping[str, int], access: Access, reader: Reader) -> PodPorts | None:
    """Return the ports of a group, not open yet; None if its clients connect to none of its pods."""
    if plan.external_nats:
        return None
    api = Api(access)
    port = plan.nodes[0].listen.client if plan.nodes else CLIENT_PORT
    return PodPorts(Workloads(api, reader), api, plan.group, port, wanted)
