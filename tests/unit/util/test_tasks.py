"""Work that runs beside a block."""

from __future__ import annotations

import asyncio

import pytest

from stanlocal.util.tasks import beside


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


async def test_what_the_work_raises_is_the_block_s_to_ask_for() -> None:
    async def fail() -> None:
        raise ValueError("the work's")

    async with beside(fail()) as task:
        await asyncio.wait([task])
    with pytest.raises(ValueError, match="the work's"):
        task.result()
