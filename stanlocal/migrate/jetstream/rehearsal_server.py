"""The JetStream server of a rehearsal: a local process, or a container, as the engine of the command says."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from stanlocal.errors import EngineUnavailable, SettingsError
from stanlocal.lifecycle.orphans import has_ended, this_process
from stanlocal.migrate.jetstream.local_server import MAX_PAYLOAD, MAX_STORE, local_server, present_server
from stanlocal.util.tasks import run_to_end

if TYPE_CHECKING:
    from stanlocal.engine.docker.jetstream_server import JetStreamContainer

T = TypeVar("T")
Report = Callable[[str], None]
"""Callback that takes a line on what is being done."""


class RehearsalServer(Protocol):
    """A server that can be stopped and started again with its data."""

    @property
    def url(self) -> str:
        """Its URL, which a start may change."""

    async def start(self) -> None:
        """Start it and wait until it serves."""

    async def stop(self) -> None:
        """Stop it and wait for its end."""


@asynccontextmanager
async def rehearsal_server(engine: str, folder: Path, report: Report) -> AsyncIterator[RehearsalServer]:
    """Run a server of its own, which has ended, data and all, when the block has.

    `auto` takes a nats-server that is there, else Docker where it answers, else Go. Raises `SettingsError`
    for another engine, `EngineUnavailable`, `EngineError` and `ImageNotFound` as Docker does,
    `JetStreamError` as `local_server` does.
    """
    if engine not in ("auto", "docker", "process"):
        raise SettingsError([f"engine '{engine}': a rehearsal's server runs by 'docker' or 'process'"])
    async with await _chosen(engine, folder, report) as server:
        yield server


async def _chosen(engine: str, folder: Path, report: Report) -> AbstractAsyncContextManager[RehearsalServer]:
    if engine == "process" or (engine == "auto" and await present_server() is not None):
        return local_server(folder, report)
    try:
        return _container(report)
    except EngineUnavailable:
        if engine == "docker":
            raise
        return local_server(folder, report)


class _Contained:
    """A server in a container."""

    def __init__(self, container: JetStreamContainer) -> None:
        self._container = container
        self.url = ""

    async def make(self, engine: str) -> None:
        from stanlocal.engine.docker.reach import default_gateway, published_addresses

        addresses = list(published_addresses(engine, default_gateway()))
        self.url = await _called(lambda: self._container.make(addresses, MAX_PAYLOAD, MAX_STORE))

    async def start(self) -> None:
        self.url = await _called(self._container.start)

    async def stop(self) -> None:
        await _called(self._container.stop)


def _container(report: Report) -> AbstractAsyncContextManager[RehearsalServer]:
    """Connect to Docker; raises `EngineUnavailable` where it does not answer."""
    from stanlocal.engine.docker.endpoint import find, sdk_client

    endpoint, answer = find(os.environ, Path.home())
    client = sdk_client(endpoint, answer)

    @asynccontextmanager
    async def running() -> AsyncIterator[RehearsalServer]:
        from stanlocal.engine.artifacts.jetstream_image import ensure_jetstream_image
        from stanlocal.engine.docker.jetstream_server import JetStreamContainer, remove_left

        owner = str(os.getuid())
        container = JetStreamContainer(client.api, owner=owner, process=this_process())
        server = _Contained(container)
        try:
            await ensure_jetstream_image(client, report)
            await _called(lambda: remove_left(client.api, owner, has_ended))
            await server.make(endpoint.target.url)
            yield server
        finally:
            await _called(container.remove)
            client.close()

    return running()


async def _called(call: Callable[[], T]) -> T:
    """Return the result of a blocking call of the Docker API, with its errors as stanlocal's."""
    from stanlocal.engine.docker.errors import translated

    with translated():
        return await run_to_end(asyncio.to_thread(call))
