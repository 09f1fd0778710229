"""The events of a group's pods since the stream was made, whenever they are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Container
from contextlib import aclosing

from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.pod_feed import Feed
from stanlocal.engine.kubernetes.pods import changes, index_of, name_of, run_of, selector_of
from stanlocal.engine.kubernetes.workload import View, Workloads, pods_path, sets_path
from stanlocal.errors import EngineError
from stanlocal.model.instance import EngineEvent


class EventStream:
    """A watch over one group's pods; the StatefulSet may come later."""

    def __init__(self, api: Api, workloads: Workloads, group: str, reported: Container[str]) -> None:
        """Take the group's name; `reported` has the containers whose end was passed to `tell`."""
        self._api = api
        self._workloads = workloads
        self._group = group
        self._reported = reported
        self._found: asyncio.Queue[EngineEvent | EngineError] = asyncio.Queue()
        self.begun = asyncio.Event()
        """Set once every later change is an event, or the watch has ended."""
        self.task = asyncio.create_task(self._watch())

    async def read(self) -> AsyncGenerator[EngineEvent]:
        """Yield the events; raise what ends the watch, `EngineUnavailable` when the API server is gone."""
        try:
            while True:
                found = await self._found.get()
                if isinstance(found, EngineError):
                    raise found
                yield found
        finally:
            await self.close()

    def tell(self, event: EngineEvent) -> None:
        """Add an event that another source has shown."""
        self._found.put_nowait(event)

    async def close(self) -> None:
        """End the watch."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _watch(self) -> None:
        try:
            view = await self._appeared()
            feed = self._pods(view)
            await feed.list()
            self.begun.set()
            container = view.deployment.container
            async with aclosing(feed.changes()) as found:
                async for name, before, after in found:
                    known = before is not None and run_of(before, container).container_id in self._reported
                    for event in changes(name, before, after, container):
                        if not (known and event.action == "die"):
                            self.tell(event)
        except EngineError as error:
            self._found.put_nowait(error)
        finally:
            self.begun.set()

    def _pods(self, view: View) -> Feed:
        namespace = self._workloads.namespace
        query = {"labelSelector": selector_of(view.workload)}
        return Feed(
            self._api, pods_path(namespace), query, lambda pod: index_of(pod, self._group) is not None
        )

    async def _appeared(self) -> View:
        """Return the group once its StatefulSet is there."""
        query = {"fieldSelector": f"metadata.name={self._group}"}
        feed = Feed(
            self._api, sets_path(self._workloads.namespace), query, lambda it: name_of(it) == self._group
        )
        await feed.list()
        async with aclosing(feed.changes()) as found:
            while (view := await self._workloads.find(self._group)) is None:
                self.begun.set()  # there is nothing yet whose change could be missed
                await anext(found)
        return view
