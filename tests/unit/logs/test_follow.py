"""A follower gives every line of a node once and in order, however kept output and live stream overlap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stanlocal.engine.base import Engine
from stanlocal.errors import EngineUnavailable, NodeNotFound, NodePaused
from stanlocal.logs.follow import Follower, Overlap, after
from stanlocal.model.instance import RawLine

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def line(text: str, second: float = 0) -> RawLine:
    return RawLine(START + timedelta(seconds=second), text)


def texts(lines: Sequence[RawLine]) -> list[str]:
    return [line.text for line in lines]


def stamped(messages: Sequence[str]) -> list[str]:
    """Number messages as the server does: no two are equal, none is the end of another."""
    return [f"[1] {number:06} {message}" for number, message in enumerate(messages)]


MESSAGES = st.lists(st.text("ab ", max_size=6), min_size=1, max_size=12)


@st.composite
def joins(draw: st.DrawFn) -> tuple[list[str], int, list[list[str]]]:
    """Draw the written lines, how many of them are kept, and the batches of a stream joined somewhere."""
    written = stamped(draw(MESSAGES))
    joined = draw(st.integers(0, len(written)))
    torn = draw(st.integers(0, len(written[joined]))) if joined < len(written) else 0
    kept = draw(st.integers(joined + (torn > 0), len(written)))
    live = written[joined:]
    if torn:
        live[0] = live[0][torn:]
    sizes = draw(st.lists(st.integers(0, 4), max_size=20))
    batches = []
    for size in sizes:
        batches.append(live[:size])
        live = live[size:]
    return written, kept, [*batches, live]


@given(joins())
@example((["1 a", "2 ba", "3"], 2, [["a"], ["2 ba", "3"]]))
@example((["1 a", "2 b"], 2, [[""], ["2 b"]]))
def test_kept_and_live_lines_make_every_line_once(join: tuple[list[str], int, list[list[str]]]) -> None:
    written, kept, batches = join
    overlap = Overlap([line(text) for text in written[:kept]])
    news = [each for batch in batches for each in overlap.news([line(text) for text in batch])]
    assert written[:kept] + texts(news) == written


def test_lines_that_repeat_after_the_overlap_are_news() -> None:
    overlap = Overlap([line("a"), line("b")])
    assert texts(overlap.news([line("b"), line("a"), line("b")])) == ["a", "b"]
    assert texts(overlap.news([line("b")])) == ["b"]


def test_a_stream_without_overlap_is_news() -> None:
    assert texts(Overlap([line("a")]).news([line("x"), line("a")])) == ["x", "a"]
    assert texts(Overlap([]).news([line(""), line("a")])) == ["", "a"]


@pytest.mark.parametrize(
    ("kept", "last", "since", "news"),
    [
        ([line("a"), line("b")], None, None, ["a", "b"]),
        ([line("a"), line("b"), line("c")], line("b", 1), None, ["c"]),
        ([line("a"), line("b", 1), line("b", 3)], line("b", 2), None, ["b"]),
        ([line("a", 100), line("b", 101)], line("a", 1), None, ["b"]),  # an engine whose clock is ahead
        ([line("c", 5), line("d", 6)], line("b", 2), line("", 4).time, ["c", "d"]),  # made again meanwhile
        ([line("a", 4), line("d", 6)], line("b", 9), line("", 4).time, ["d"]),
        ([], line("b"), None, []),
    ],
)
def test_lines_that_were_given_are_not_given_again(
    kept: list[RawLine], last: RawLine | None, since: datetime | None, news: list[str]
) -> None:
    assert texts(after(kept, last, since)) == news


# A follower


@dataclass
class Tape:
    """An engine with one node, which writes when `write` is called."""

    skew: timedelta = timedelta()
    """Lead of the engine's clock over ours."""
    now: datetime = START
    kept: list[RawLine] = field(default_factory=list)
    readers: list[asyncio.Queue[RawLine | EngineUnavailable | None]] = field(default_factory=list)
    problem: Exception | None = None
    """Reason why it cannot be attached to."""
    retry_s: float = 0

    def write(self, text: str) -> None:
        self.now += timedelta(milliseconds=1)
        self.kept.append(RawLine(self.now + self.skew, text))
        for reader in self.readers:
            reader.put_nowait(RawLine(self.now, text))

    def end(self, how: EngineUnavailable | None = None) -> None:
        for reader in self.readers:
            reader.put_nowait(how)
        self.readers.clear()

    async def output(self, node: str, *, since: datetime | None = None) -> AsyncGenerator[Sequence[RawLine]]:
        if isinstance(self.problem, NodeNotFound):
            raise self.problem
        for line in [line for line in self.kept if since is None or line.time >= since]:
            await asyncio.sleep(0)
            yield [line]

    async def attach(self, node: str) -> AsyncGenerator[Sequence[RawLine]]:
        if self.problem is not None:
            raise self.problem
        reader: asyncio.Queue[RawLine | EngineUnavailable | None] = asyncio.Queue()
        self.readers.append(reader)
        yield []
        while (item := await reader.get()) is not None:
            if isinstance(item, EngineUnavailable):
                raise item
            yield [item]

    def follow(
        self, woken: asyncio.Event, since: datetime | None = None
    ) -> AsyncGenerator[Sequence[RawLine]]:
        return Follower(cast("Engine", self), "stan-0", since, short_run_s=0).batches(woken)


STEPS = st.lists(st.sampled_from(["write", "end", "lose", "turn"]), max_size=40)


@given(STEPS, st.sampled_from([-3600.0, -0.5, 0.0, 0.5, 3600.0]))
def test_a_follower_gives_every_line_once_over_runs_and_losses(steps: list[str], skew: float) -> None:
    async def scenario() -> tuple[list[str], list[str]]:
        tape = Tape(timedelta(seconds=skew))
        given: list[str] = []
        ended = asyncio.Event()

        async def follow() -> None:
            async for batch in tape.follow(asyncio.Event()):
                given.extend(texts(batch))
                if given[-1:] == ["[1] the end"]:
                    ended.set()

        task = asyncio.create_task(follow())
        for number, step in enumerate(steps):
            match step:
                case "write":
                    tape.write(f"[1] {number:06}")
                case "end":
                    tape.end()
                case "lose":
                    tape.end(EngineUnavailable("lost"))
                case "turn":
                    await asyncio.sleep(0)
        tape.write("[1] the end")
        await asyncio.wait_for(ended.wait(), 5)
        task.cancel()
        await asyncio.wait([task])
        return given, texts(tape.kept)

    given, written = asyncio.run(scenario())
    assert given == written


async def test_an_empty_batch_comes_after_all_that_was_written_before() -> None:
    tape = Tape()
    for text in ("a", "b"):
        tape.write(text)
    async with aclosing(tape.follow(asyncio.Event())) as batches:
        assert [texts(await anext(batches)) for _ in range(3)] == [["a"], ["b"], []]
    async with aclosing(tape.follow(asyncio.Event(), since=tape.kept[1].time)) as batches:
        assert [texts(await anext(batches)) for _ in range(2)] == [["b"], []]


@pytest.mark.parametrize("problem", [NodePaused("paused"), NodeNotFound("gone")])
async def test_a_node_that_is_frozen_or_gone_is_tried_again_when_woken(problem: Exception) -> None:
    tape, woken = Tape(problem=problem), asyncio.Event()
    async with aclosing(tape.follow(woken)) as batches:
        assert list(await anext(batches)) == []
        later = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        tape.problem = None
        tape.write("a")
        assert not later.done()
        woken.set()
        assert texts(await later) == ["a"]


async def test_a_frozen_nodes_output_is_given() -> None:
    tape = Tape(problem=NodePaused("paused"))
    tape.write("a")
    async with aclosing(tape.follow(asyncio.Event())) as batches:
        assert texts(await anext(batches)) == ["a"]


async def test_a_frozen_node_that_is_removed_is_waited_for() -> None:
    tape, woken = Tape(problem=NodePaused("paused")), asyncio.Event()
    async with aclosing(tape.follow(woken)) as batches:
        await anext(batches)
        tape.problem = NodeNotFound("gone")
        woken.set()
        assert list(await anext(batches)) == []
