"""Takes what comes at any rate and hands it on at a rate that a screen can follow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def coalesced(
    batches: AsyncGenerator[Sequence[T]], *, every_s: float, at_most: int
) -> AsyncGenerator[tuple[list[T], int]]:
    """The items of all batches that came since the last time, `every_s` seconds apart.

    The first come at once. Of more than `at_most` the newest are kept; beside them it says how many were
    passed over. Ends with the batches, and raises what they raise.
    """
    waiting: deque[T] = deque(maxlen=at_most)
    passed_over = 0
    news = asyncio.Event()

    async def take() -> None:
        nonlocal passed_over
        try:
            async with aclosing(batches):
                async for batch in batches:
                    passed_over += max(0, len(waiting) + len(batch) - at_most)
                    waiting.extend(batch)
                    if waiting:
                        news.set()
                    await asyncio.sleep(0)  # a source that never waits must not keep the loop to itself
        finally:
            news.set()

    taking = asyncio.create_task(take())
    try:
        while not (taking.done() and not waiting):
            await news.wait()
            news.clear()
            if waiting:
                items, missed = list(waiting), passed_over
                waiting.clear()
                passed_over = 0
                yield items, missed
                await asyncio.sleep(every_s)
            if taking.done():
                news.set()
        taking.result()
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
