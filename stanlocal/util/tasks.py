"""Run coroutines together, beside a block, or to their end whatever is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


async def together(*works: Coroutine[Any, Any, T]) -> list[T]:
    """Return the results of all works, in order; the first failure cancels the others and is raised as is.

    Unlike with `asyncio.gather`, none of them is still running when this has returned or raised. An
    `asyncio.TaskGroup` cancels its caller when a work fails, which before Python 3.13 could hit the caller
    after the group's end.
    """
    tasks = [asyncio.create_task(work) for work in works]
    if not tasks:
        return []
    failed: asyncio.Task[T] | None = None
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = _failed(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await run_to_end(asyncio.wait(tasks))
        in_the_end = _failed(tasks)
        if (first := failed or in_the_end) is not None:
            first.result()  # raises the failure, also where the caller was cancelled
    return [task.result() for task in tasks]


def _failed(tasks: Sequence[asyncio.Task[T]]) -> asyncio.Task[T] | None:
    """Return the first of the tasks that has failed; ask each, as asyncio logs failures no one asks for."""
    failed = [task for task in tasks if task.done() and not task.cancelled() and task.exception() is not None]
    return failed[0] if failed else None


async def all_to_end(*works: Awaitable[T]) -> list[T]:
    """Return the results of all works, in order; the first failure is raised once every one has ended.

    Unlike with `together`, a failure cancels no other: for works whose effect cannot be called back.
    """
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


async def run_to_end(work: Awaitable[T], *, within_s: float | None = None) -> T:
    """Return the result of `work`; when the caller is cancelled, raise that only after `work` has ended.

    However often the caller is cancelled, `work` is not, except when it has not ended `within_s` seconds
    after the first time. So a caller that has been cancelled can clean up without racing with what it had
    begun. A failure of `work` after a cancellation is dropped.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as cancellation:
            if cancelled is None and within_s is not None:
                asyncio.get_running_loop().call_later(within_s, task.cancel)
            cancelled = cancellation
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # else asyncio logs it as never retrieved
        raise cancelled
    return task.result()


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Run `work` as a task beside the block, and cancel it at the block's end.

    The task is yielded. The block asks it for a failure (`task.exception()`); otherwise a failure is dropped.
    """
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
