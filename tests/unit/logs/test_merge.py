"""The output of several nodes, merged in the order of time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import pytest

from stanlocal.engine.base import Engine
from stanlocal.errors import EngineError
from stanlocal.logs.merge import NodeLine, follow_all, read_all
from stanlocal.model.instance import RawLine
from stanlocal.testing.fake.engine import FakeEngine
from stanlocal.testing.fake.machine import FakeMachine, Node
from tests.support.facts import at


def raw(second: int, message: str) -> RawLine:
    return RawLine(at(second), f"[1] 2026/11/23 09:00:{second:02}.000000 [INF] STREAM: {message}")


BOOT = "Starting nats-streaming-server[test-cluster] version 0.25.6"
KEPT = {
    "stan-0": [raw(1, BOOT), raw(3, "Starting in standby mode"), raw(5, "Server is active")],
    "stan-1": [raw(2, BOOT), raw(4, "Starting in standby mode")],
}
SAVED = {"stan-0": [raw(0, "Shutting down.")], "stan-1": []}


@dataclass
class Shelf:
    """An engine that has kept some output."""

    kept: dict[str, list[RawLine]] = field(default_factory=lambda: KEPT)

    async def output(self, node: str, **_: object) -> AsyncGenerator[Sequence[RawLine]]:
        for line in self.kept[node]:
            yield [line]


async def read(
    *, gone: str | None = None, since: datetime | None = None, tail: int | None = None
) -> list[NodeLine]:
    present = {name: name != gone for name in KEPT}
    return await read_all(cast("Engine", Shelf()), present, lambda name: SAVED[name], since=since, tail=tail)


def seconds(lines: Sequence[NodeLine]) -> list[tuple[str, int]]:
    return [(line.node, line.line.time.second) for line in lines]


async def test_lines_of_all_nodes_are_in_the_order_of_time() -> None:
    assert seconds(await read()) == [
        ("stan-0", 0),
        ("stan-0", 1),
        ("stan-1", 2),
        ("stan-0", 3),
        ("stan-1", 4),
        ("stan-0", 5),
    ]


async def test_each_line_says_what_its_node_was_by_then() -> None:
    states = [line.state and line.state.value for line in await read() if line.node == "stan-0"]
    assert states == [None, "starting", "standby", "recovering"]


async def test_a_node_that_is_gone_still_has_its_saved_lines() -> None:
    assert seconds(await read(gone="stan-0")) == [("stan-0", 0), ("stan-1", 2), ("stan-1", 4)]


async def test_a_tail_counts_the_lines_of_each_node() -> None:
    assert seconds(await read(tail=1)) == [("stan-1", 4), ("stan-0", 5)]
    assert await read(tail=0) == []


async def test_lines_before_a_time_are_left_out_but_known() -> None:
    late = await read(since=at(4))
    assert seconds(late) == [("stan-1", 4), ("stan-0", 5)]
    assert [line.state and line.state.value for line in late] == ["standby", "recovering"]


# Following


def machine(*names: str) -> FakeMachine:
    made = FakeMachine()
    made.nodes.update({name: Node(name, owner="1000") for name in names})
    return made


async def test_a_follower_gets_what_there_is_merged_then_what_comes() -> None:
    there = machine("stan-0", "stan-1")
    for name, lines in KEPT.items():
        there.nodes[name].output += lines
    following = follow_all(FakeEngine(there), "stan", list(KEPT), since=None, tail=1)
    async with aclosing(following) as batches:
        assert seconds(await anext(batches)) == [("stan-1", 4), ("stan-0", 5)]
        there.nodes["stan-1"].write(raw(6, "Server is active"))
        assert seconds(await anext(batches)) == [("stan-1", 6)]


@pytest.mark.parametrize("error", [EngineError("stan-0 cannot be read"), KeyError("a defect")])
async def test_a_node_that_cannot_be_read_ends_the_following_with_its_error(error: Exception) -> None:
    class Broken(FakeEngine):
        async def output(
            self, node: str, *, since: datetime | None = None
        ) -> AsyncGenerator[Sequence[RawLine]]:
            raise error
            yield

    following = follow_all(Broken(machine("stan-0")), "stan", ["stan-0"], since=None, tail=None)
    async with aclosing(following) as batches:
        with pytest.raises(type(error), match=str(error)):
            await asyncio.wait_for(anext(batches), 60)


async def test_a_follower_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    there = machine("stan-0")
    there.nodes["stan-0"].write(raw(1, BOOT))
    async with aclosing(follow_all(FakeEngine(there), "stan", ["stan-0"], since=None, tail=None)) as batches:
        await anext(batches)
    assert asyncio.all_tasks() == before


async def test_a_slow_reader_holds_the_writers_back() -> None:
    there = machine("stan-0")
    node = there.nodes["stan-0"]
    node.write(raw(0, BOOT))
    async with aclosing(follow_all(FakeEngine(there), "stan", ["stan-0"], since=None, tail=None)) as batches:
        await anext(batches)
        for number in range(1000):
            node.write(RawLine(at(1), f"line {number}"))
            await asyncio.sleep(0)
        (attachment,) = node.attachments
        assert len(attachment.lines) > 900  # unread lines wait at the engine, not here
        given: list[str] = []
        while len(given) < 1000:
            given += [line.line.text for line in await anext(batches)]
    assert given == [f"line {number}" for number in range(1000)]
