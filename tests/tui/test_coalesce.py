"""Handing on at a rate that a screen can follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.tui.coalesce import coalesced


async def source(batches: Sequence[Sequence[int]]) -> AsyncGenerator[Sequence[int]]:
    for batch in batches:
        yield batch


@given(st.lists(st.lists(st.integers(), max_size=5), max_size=30))
def test_every_item_comes_once_and_in_order_where_there_is_room(batches: list[list[int]]) -> None:
    async def collect() -> list[int]:
        handed = coalesced(source(batches), every_s=0, at_most=1_000)
        return [item for items, missed in [each async for each in handed] for item in items if missed == 0]

    assert asyncio.run(collect()) == [item for batch in batches for item in batch]


@given(st.lists(st.lists(st.integers(), max_size=20), max_size=30), st.integers(1, 10))
def test_every_item_is_handed_on_or_counted_as_skipped(batches: list[list[int]], at_most: int) -> None:
    async def collect() -> list[tuple[list[int], int]]:
        return [each async for each in coalesced(source(batches), every_s=0, at_most=at_most)]

    handed = asyncio.run(collect())
    assert all(len(items) <= at_most for items, _ in handed)
    assert sum(len(items) + missed for items, missed in handed) == sum(map(len, batches))


async def test_flood_is_cut_to_the_newest_items() -> None:
    handed = coalesced(source([list(range(10_000))]), every_s=0, at_most=3)
    assert await anext(aiter(handed)) == ([9_997, 9_998, 9_999], 9_997)


async def test_items_that_come_between_are_handed_on_together() -> None:
    gate = asyncio.Event()

    async def two_at_once() -> AsyncGenerator[Sequence[int]]:
        yield [1]
        await gate.wait()
        yield [2]
        yield [3]

    handed = aiter(coalesced(two_at_once(), every_s=0.01, at_most=10))
    assert await anext(handed) == ([1], 0)
    gate.set()
    assert await anext(handed) == ([2, 3], 0)


async def test_a_failure_of_the_source_comes_after_what_it_gave() -> None:
    async def breaks() -> AsyncGenerator[Sequence[int]]:
        yield [1]
        raise OSError("gone")

    handed = aiter(coalesced(breaks(), every_s=0, at_most=10))
    assert await anext(handed) == ([1], 0)
    with pytest.raises(OSError, match="gone"):
        await anext(handed)


async def test_closing_the_generator_closes_the_source() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[Sequence[int]]:
        try:
            while True:
                yield [1]
        finally:
            closed.set()

    handed = coalesced(endless(), every_s=0, at_most=10)
    async for _ in handed:
        break
    await handed.aclose()
    assert closed.is_set()
