"""`Portal`: the background thread with the event loop behind everything in `stanlocal.sync`.

A call hands its coroutine to that loop and blocks until it has ended; so it works from any thread, also
from one whose own event loop runs, as in notebooks.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any, Generic, TypeVar

from stanlocal.stan.errors import ConnectionLost

T = TypeVar("T")


_HOST: ContextVar[_Host | None] = ContextVar("host", default=None)
"""Task that runs the blocking calls of a callback; None outside callbacks."""


class Portal:
    """An event loop in a thread of its own; started by its first use, ended with the interpreter."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None
        self._stop: asyncio.Event | None
        self._thread: threading.Thread | None
        self._starting: threading.Lock
        self.start_over()

    def start_over(self) -> None:
        """Forget the thread: a forked process has no other than the one that forked."""
        self._loop = self._stop = self._thread = None
        self._starting = threading.Lock()
        _HOST.set(None)

    # From any thread

    def prepare(self, work: Awaitable[T]) -> Call[T]:
        """Return a call of the work: in its own task or, from a callback, in the task that waits for it."""
        host = _HOST.get()
        if host is not None:
            return Call(work, host.loop, host=host)
        loop = self.loop()
        if threading.current_thread() is self._thread:
            if asyncio.iscoroutine(work):
                work.close()
            raise RuntimeError("a blocking call on stanlocal's own event loop would wait for itself")
        return Call(work, loop)

    def run(self, work: Awaitable[T]) -> T:
        """Return the result of `work`, or raise its exception unchanged.

        Ctrl-C while it waits cancels the work, and is raised once that has ended.
        """
        call = self.prepare(work)
        try:
            call.begin()
            return call.ended.result()
        except BaseException:
            if not call.ended.done():  # this thread was interrupted
                call.cancel()
                call.ended.exception()
            raise

    async def across(self, work: Awaitable[T]) -> T:
        """Do the same as `run`, awaited on another event loop."""
        call = self.prepare(work)
        call.begin()
        ended = asyncio.wrap_future(call.ended)
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            if not ended.done():
                call.cancel()
                await asyncio.wait([ended])
            raise

    def iterate(self, items: AsyncIterator[T]) -> Generator[T]:
        """Yield the items, each awaited when it is requested; close `items` at the end."""
        try:
            while (found := self.run(next_of(items))) is not None:
                yield found[0]
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                self.run(close())

    # From the loop

    async def call(self, function: Callable[[], T]) -> T:
        """Run blocking code in a thread; its own blocking calls are run by the task that awaits this.

        So a callback can close the subscription that called it, as it can without threads.
        """
        loop = asyncio.get_running_loop()
        return await _Host().serve(lambda context: loop.run_in_executor(None, context.run, function))

    async def call_elsewhere(self, work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
        """Do the same as `call`, for a coroutine of another event loop."""

        def start(context: Context) -> asyncio.Future[T]:
            call = Call(work, loop, context=context)
            call.begin()
            return asyncio.wrap_future(call.ended)

        return await _Host().serve(start)

    # The thread

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop; start its thread if needed."""
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
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(self._until_stopped(started))

    async def _until_stopped(self, started: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        started.set()
        await self._stop.wait()

    def stop(self) -> None:
        """Cancel what still runs, and end the thread; the next call would start another."""
        with self._starting:
            if self._loop is None or self._stop is None or self._thread is None:
                return
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._loop = self._stop = self._thread = None
            atexit.unregister(self.stop)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that may end while the interpreter does."""

    async def shutdown_default_executor(self, *timeout: float | None) -> None:
        """Wait for the executor's threads; at the interpreter's end they have ended before this loop."""
        with suppress(RuntimeError):  # from Python 3.12 on, no thread that waits for them can be started then
            await super().shutdown_default_executor(*timeout)


class Call(Generic[T]):
    """Work on an event loop, seen from other threads."""

    def __init__(
        self,
        work: Awaitable[T],
        loop: asyncio.AbstractEventLoop,
        *,
        context: Context | None = None,
        host: _Host | None = None,
    ) -> None:
        self.work = work
        self.ended: Future[T] = Future()
        self.ended.set_running_or_notify_cancel()  # whoever waits cannot cancel it but by `cancel`
        self._loop = loop
        self._context = context or copy_context()
        self._host = host
        self._task: asyncio.Task[T] | None = None

    def begin(self) -> None:
        """Start the work on the loop; callable from any thread."""
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        if self._host is None or not self._host.takes(self):
            self._task = self._loop.create_task(_await(self.work), context=self._context)
            self._task.add_done_callback(self._settle)

    def cancel(self) -> None:
        """Cancel the work; callable from any thread. It has ended only once `ended` is done."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        elif self._host is None:  # it was interrupted before it began
            if asyncio.iscoroutine(self.work):
                self.work.close()
            self.ended.set_exception(asyncio.CancelledError())

    def _settle(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.ended.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(task.result())


class _Host:
    """The task that waits for a callback, and runs that callback's blocking calls."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._asked: asyncio.Queue[Call[Any] | None] = asyncio.Queue()
        self._closed = False

    async def serve(self, start: Callable[[Context], asyncio.Future[T]]) -> T:
        """Start the callback in a context that leads its calls here, and wait for its end."""
        context = copy_context()
        context.run(_HOST.set, self)
        callback = start(context)
        callback.add_done_callback(lambda _: self._asked.put_nowait(None))
        try:
            while (call := await self._asked.get()) is not None:
                try:
                    call.ended.set_result(await call.work)
                except BaseException as error:  # it is raised where the call was made
                    call.ended.set_exception(error)
                    if isinstance(error, asyncio.CancelledError):
                        raise
            return await callback
        finally:
            self._closed = True

    def takes(self, call: Call[Any]) -> bool:
        """Take a call and return True; False once the callback has ended or was cancelled."""
        if not self._closed:
            self._asked.put_nowait(call)
        return not self._closed


async def _await(work: Awaitable[T]) -> T:
    return await work


async def next_of(items: AsyncIterator[T]) -> tuple[T] | None:
    try:
        return (await anext(items),)
    except StopAsyncIteration:
        return None


PORTAL = Portal()
"""The portal of this process. A forked process starts it over, so that references to it stay usable."""
os.register_at_fork(after_in_child=PORTAL.start_over)


class OfThisProcess:
    """Guard of an object on the background loop: after a fork only the parent can use it."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    def check(self, what: object) -> None:
        """Raise `ConnectionLost` in a process that was forked since."""
        if os.getpid() != self._pid:
            raise ConnectionLost(
                f"{what!r} belongs to the process that this one was forked from; connect again here"
            )
