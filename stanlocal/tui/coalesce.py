"""Batches of items that arrive at any rate, handed on at a rate that a screen can follow."""

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
    """Yield the items of all batches since the last time, every `every_s` seconds, the first at once.

    Only the newest `at_most` items are kept; the number of skipped ones comes with them. Ends with the
    batches, and raises what they raise.
    """
    waiting: deque[T] = deque(maxlen=at_most)
    skipped = 0
    news = asyncio.Event()

    async def take() -> None:
        nonlocal skipped
        try:
            async with aclosing(batches):
                async for batch in batches:
                    skipped += max(0, len(waiting) + len(batch) - at_most)
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
                items, missed = list(waiting), skipped
                waiting.clear()
                skipped = 0
                yield items, missed
                await asyncio.sleep(every_s)
            if taking.done():
                news.set()
        taking.result()
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
