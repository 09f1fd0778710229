"""Work beside a block, and work that runs to its end."""

from __future__ import annotations

import asyncio

import pytest

from stanlocal.util.tasks import all_to_end, beside, run_to_end, together


async def test_work_beside_a_block_is_cancelled_at_its_end() -> None:
    async with beside(asyncio.Event().wait()) as task:
        await asyncio.sleep(0)
        assert not task.done()
    assert task.cancelled()


async def test_work_beside_a_block_is_cancelled_also_where_the_block_fails() -> None:
    with pytest.raises(RuntimeError, match="the block's"):
        async with beside(asyncio.Event().wait()) as task:
            raise RuntimeError("the block's")
    assert task.cancelled()


async def test_a_failure_of_work_beside_a_block_is_kept_in_its_task() -> None:
    async def fail() -> None:
        raise ValueError("the work's")

    async with beside(fail()) as task:
        await asyncio.wait([task])
    with pytest.raises(ValueError, match="the work's"):
        task.result()


async def test_run_to_end_returns_the_result_and_raises_the_failure_of_its_work() -> None:
    async def fail() -> None:
        raise ValueError("the work's")

    assert await run_to_end(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(ValueError, match="the work's"):
        await run_to_end(fail())


@pytest.mark.parametrize("fails", [False, True])
async def test_run_to_end_raises_each_cancellation_only_after_its_work_has_ended(fails: bool) -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await may_end.wait()
        ended.set()
        if fails:
            raise ValueError("dropped: the caller has ended")

    caller = asyncio.create_task(run_to_end(work()))
    await begun.wait()
    for _ in range(2):
        caller.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not caller.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()


async def test_run_to_end_cancels_work_that_has_not_ended_in_time() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    caller = asyncio.create_task(run_to_end(work(), within_s=0.01))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(caller, 60)


async def test_the_first_failure_of_several_is_raised_once_every_one_has_ended() -> None:
    ended: list[str] = []

    async def work(name: str, *, fails: bool) -> str:
        for _ in range(3 if not fails else 1):
            await asyncio.sleep(0)
        ended.append(name)
        if fails:
            raise ValueError(name)
        return name

    assert await all_to_end(work("a", fails=False), work("b", fails=False)) == ["a", "b"]
    ended.clear()
    with pytest.raises(ValueError, match="b"):
        await all_to_end(work("a", fails=False), work("b", fails=True), work("c", fails=True))
    assert sorted(ended) == ["a", "b", "c"]


@pytest.mark.parametrize("turns", range(4))
async def test_a_failure_leaves_no_cancellation_with_the_caller(turns: int) -> None:
    """A task group of Python before 3.13 leaves one, and it comes back at a later wait of the caller."""

    async def passes(count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    async def fails() -> None:
        await passes(turns)
        raise ValueError("this one")

    task = asyncio.current_task()
    assert task is not None
    with pytest.raises(ValueError, match="this one"):
        await together(passes(2), fails(), passes(9))
    await passes(2)
    assert task.cancelling() == 0
