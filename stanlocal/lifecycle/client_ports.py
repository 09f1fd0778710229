"""The ports through which this process's own clients reach a group that they cannot reach directly.

They are served by a thread with an event loop of its own: a group is not tied to the loop of whoever
connects, and its clients' work must not hold the ports up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from contextlib import suppress

from stanlocal.engine.forwarding import Address, Forwarding
from stanlocal.errors import EngineError


class ClientPorts:
    """A `Forwarding` in a thread, open from its first use until `close`."""

    def __init__(self, ports: Forwarding) -> None:
        """Take the ports, not open yet."""
        self._ports = ports
        self._begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = Future()
        self._opened: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=self._serve, name="stanlocal-ports", daemon=True)
        self._starting = threading.Lock()

    @property
    def failed(self) -> bool:
        """Whether they could not be opened; nothing of them is left then."""
        return self._opened.done() and self._opened.exception() is not None

    async def addresses(self, nodes: Collection[str]) -> Mapping[str, Address]:
        """Return the port of each node; raises as the forwarding does.

        If opening them has failed, they cannot be used again; if no further port could be opened, they can.
        """
        with self._starting:
            if self._thread.ident is None:
                self._thread.start()
        loop = await asyncio.shield(asyncio.wrap_future(self._opened))
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._listed(nodes), loop))

    async def close(self) -> None:
        """Close the ports and every connection through them, also while they are being opened."""
        if self._thread.ident is None:
            return
        try:
            loop, task = await asyncio.wrap_future(self._begun)
        except EngineError:  # they could not be served at all
            return
        with suppress(RuntimeError):  # opening them has failed, and the loop is closed
            loop.call_soon_threadsafe(task.cancel)
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        try:
            with (
                suppress(asyncio.CancelledError),
                asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner,
            ):
                runner.run(self._until_cancelled())
        except OSError as error:
            if self._begun.done():
                raise
            refused = EngineError(f"cannot open ports for clients: {error.strerror}")  # too many open files
            self._begun.set_exception(refused)
            self._opened.set_exception(refused)

    async def _until_cancelled(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._begun.set_result((loop, task))
        try:
            async with self._ports:
                self._opened.set_result(loop)
                await asyncio.Event().wait()
        except BaseException as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    async def _listed(self, nodes: Collection[str]) -> Mapping[str, Address]:
        return await self._ports.addresses(nodes)
