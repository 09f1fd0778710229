"""Blocking calls on one background event loop."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from stanlocal.sync.portal import Portal


@pytest.fixture
def portal() -> Iterator[Portal]:
    portal = Portal()
    yield portal
    portal.stop()


async def _thread_name() -> str:
    return threading.current_thread().name


def test_gives_the_result(portal: Portal) -> None:
    assert portal.run(_thread_name()) == "stanlocal-sync"


def test_raises_the_very_exception(portal: Portal) -> None:
    error = ValueError("mine")

    async def fail() -> None:
        raise error

    with pytest.raises(ValueError, match="mine") as caught:
        portal.run(fail())
    assert caught.value is error


async def test_works_while_an_event_loop_runs_in_the_thread(portal: Portal) -> None:
    assert portal.run(_thread_name()) == "stanlocal-sync"


def test_runs_the_calls_of_many_threads_at_once(portal: Portal) -> None:
    everyone = 8
    met = asyncio.Barrier(everyone)
    with ThreadPoolExecutor(everyone) as threads:
        works = [threads.submit(lambda: portal.run(met.wait())) for _ in range(everyone)]
        assert sorted(work.result(5) for work in works) == list(range(everyone))


def test_has_the_callers_context(portal: Portal) -> None:
    variable = contextvars.ContextVar("variable", default=0)

    async def read() -> int:
        return variable.get()

    variable.set(7)
    assert portal.run(read()) == 7


def test_refuses_a_call_on_its_own_loop_that_would_wait_for_itself(portal: Portal) -> None:
    async def call() -> None:
        portal.run(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match="would wait for itself"):
        portal.run(call())


def test_a_stopped_portal_starts_again(portal: Portal) -> None:
    portal.run(asyncio.sleep(0))
    portal.stop()
    assert portal.run(_thread_name()) == "stanlocal-sync"


class _Numbers:
    def __init__(self) -> None:
        self.closed = False

    async def each(self) -> AsyncIterator[int]:
        try:
            for number in range(1_000_000):
                yield number
        finally:
            self.closed = True


def test_iteration_ends_the_asynchronous_one_when_it_is_left(portal: Portal) -> None:
    numbers = _Numbers()
    items = portal.iterate(numbers.each())
    assert [next(items), next(items)] == [0, 1]
    items.close()
    assert numbers.closed


def test_iteration_ends_with_the_asynchronous_one(portal: Portal) -> None:
    async def two() -> AsyncIterator[int]:
        yield 1
        yield 2

    assert list(portal.iterate(two())) == [1, 2]


def test_blocking_code_on_the_loop_is_served_by_the_task_that_waits_for_it(portal: Portal) -> None:
    async def task() -> asyncio.Task[object] | None:
        return asyncio.current_task()

    async def call() -> bool:
        return await portal.call(lambda: portal.run(task())) is asyncio.current_task()

    assert portal.run(call())


def test_blocking_code_that_outlives_its_task_is_still_served(portal: Portal) -> None:
    go_on, done = threading.Event(), threading.Event()

    def linger() -> None:
        go_on.wait(5)
        portal.run(asyncio.sleep(0))
        done.set()

    async def give_up() -> None:
        task = asyncio.create_task(portal.call(linger))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    portal.run(give_up())
    go_on.set()
    assert done.wait(5)


_INTERRUPTED = """
import asyncio, sys
from stanlocal.sync.portal import PORTAL

async def work():
    print("working", flush=True)
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.01)
        print("cleaned up", flush=True)

try:
    PORTAL.run(work())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_cancels_the_work_and_is_raised_once_it_has_ended() -> None:
    command = [sys.executable, "-W", "error", "-c", _INTERRUPTED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "cleaned up\ninterrupted\n", "")
