"""The one thread with an event loop behind everything in `stanlocal.sync`.

A call hands its coroutine to that loop and blocks until it has ended; so it works from any thread, also
from one whose own event loop runs, as in notebooks.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

_Request: TypeAlias = tuple[Awaitable[Any], "Future[Any]"]


class Portal:
    """An event loop in a thread of its own; started by its first use, ended with the interpreter."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._callback = threading.local()

    # From any thread

    def run(self, work: Awaitable[T]) -> T:
        """What `work` comes to, or the exception that it raises, unchanged.

        Ctrl-C while it waits cancels the work, and is raised once that has ended.
        """
        host: _Host | None = getattr(self._callback, "host", None)
        if host is not None:
            return host.run(work)
        loop = self.loop()
        if threading.current_thread() is self._thread:
            if asyncio.iscoroutine(work):
                work.close()
            raise RuntimeError("a blocking call on stanlocal's own event loop would wait for itself")
        ended: Future[T] = Future()
        tasks: list[asyncio.Task[T]] = []

        def begin() -> None:
            task = loop.create_task(_await(work), context=context)
            task.add_done_callback(lambda task: _settle(ended, task))
            tasks.append(task)

        context = copy_context()
        loop.call_soon_threadsafe(begin)
        try:
            return ended.result()
        except BaseException:
            if not ended.done():  # it is this thread that was interrupted
                loop.call_soon_threadsafe(lambda: tasks[0].cancel())
                ended.exception()
            raise

    def iterate(self, items: AsyncIterator[T]) -> Generator[T]:
        """The items, each waited for when it is asked for; ends the iteration when it is closed."""
        try:
            while (found := self.run(next_of(items))) is not None:
                yield found[0]
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                self.run(close())

    # From the loop

    async def call(self, function: Callable[[], T]) -> T:
        """Runs blocking code in a thread; what it runs here in turn is run by the very task that waits.

        So a callback can close the subscription that has called it, as it can without threads.
        """
        host = _Host(self)
        try:
            return await host.serve(lambda: self._as_guest(host, function))
        finally:
            host.closed = True

    def _as_guest(self, host: _Host, function: Callable[[], T]) -> T:
        self._callback.host = host
        try:
            return function()
        finally:
            del self._callback.host

    # The thread

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, running."""
        with self._starting:
            if self._loop is None:
                started = threading.Event()
                self._thread = threading.Thread(
                    target=self._run_loop, args=(started,), name="stanlocal-sync", daemon=True
                )
                self._thread.start()
                started.wait()
                atexit.register(self.stop)
            assert self._loop is not None
            return self._loop

    def _run_loop(self, started: threading.Event) -> None:
        # Not the project's own policy, whose loops may be made for something else.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._until_stopped(started))

    async def _until_stopped(self, started: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        started.set()
        await self._stop.wait()

    def stop(self) -> None:
        """Cancels what still runs, and ends the thread; the next call would start another."""
        with self._starting:
            if self._loop is None or self._stop is None or self._thread is None:
                return
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._loop = self._stop = self._thread = None
            atexit.unregister(self.stop)


class _Host:
    """The task that waits for blocking code in a thread, and runs what that code asks for."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._loop = asyncio.get_running_loop()
        self._requests: asyncio.Queue[_Request | None] = asyncio.Queue()
        self.closed = False

    async def serve(self, function: Callable[[], T]) -> T:
        thread = asyncio.ensure_future(self._loop.run_in_executor(None, function))
        thread.add_done_callback(lambda _: self._requests.put_nowait(None))
        while (request := await self._requests.get()) is not None:
            work, ended = request
            try:
                result = await work
            except BaseException as error:  # it is raised where the call was made
                ended.set_exception(error)
                if isinstance(error, asyncio.CancelledError):
                    raise
            else:
                ended.set_result(result)
        return await thread

    def run(self, work: Awaitable[T]) -> T:
        """As `Portal.run`, from the code's own thread."""
        ended: Future[T] = Future()
        self._loop.call_soon_threadsafe(self._take, work, ended)
        return ended.result()

    def _take(self, work: Awaitable[T], ended: Future[T]) -> None:
        if not self.closed:
            self._requests.put_nowait((work, ended))
        else:  # it was cancelled, and the thread goes on
            task = self._loop.create_task(_await(work))
            task.add_done_callback(lambda task: _settle(ended, task))


async def _await(work: Awaitable[T]) -> T:
    return await work


async def next_of(items: AsyncIterator[T]) -> tuple[T] | None:
    try:
        return (await anext(items),)
    except StopAsyncIteration:
        return None


def _settle(ended: Future[T], task: asyncio.Task[T]) -> None:
    if task.cancelled():
        ended.set_exception(asyncio.CancelledError())
    elif (error := task.exception()) is not None:
        ended.set_exception(error)
    else:
        ended.set_result(task.result())


PORTAL = Portal()
"""The process's own."""


def _forget_thread() -> None:
    """A fork has no other threads than the one that forked."""
    global PORTAL
    PORTAL = Portal()


os.register_at_fork(after_in_child=_forget_thread)
