"""The output of several nodes as one, in the order of time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stanlocal.engine.base import Engine
from stanlocal.errors import EngineUnavailable, NodeUnreachable
from stanlocal.logs.follow import Follower
from stanlocal.logs.line_patterns import LogLine, parse
from stanlocal.logs.node_facts import advance
from stanlocal.model.instance import RawLine
from stanlocal.model.states import LogFacts, NodeState
from stanlocal.util.notes import log_note

_QUEUED_BATCHES = 16


@dataclass(frozen=True, slots=True)
class NodeLine:
    """A line, the node that wrote it, and the node's state by then."""

    node: str
    line: LogLine
    state: NodeState | None
    """The node's state by its log up to this line; None before the first milestone."""


class _LineParser:
    """Parser of one node's lines, which keeps track of the node's state."""

    def __init__(self, node: str, since: datetime | None) -> None:
        self._node = node
        self._since = since
        self._facts = LogFacts()

    def read(self, lines: Iterable[RawLine]) -> Iterator[NodeLine]:
        """Yield the lines that are not older than `since`."""
        for raw in lines:
            line = parse(raw.text, raw.time)
            self._facts = advance(self._facts, line)
            if self._since is None or line.time >= self._since:
                yield NodeLine(self._node, line, self._facts.role)


def _merged(lines: Iterable[Iterable[NodeLine]]) -> list[NodeLine]:
    return sorted((line for node in lines for line in node), key=lambda line: line.line.time)


async def kept_output(engine: Engine, node: str) -> AsyncGenerator[Sequence[RawLine]]:
    """Yield all output of a node that the engine has; none, with a note, if its machine does not answer."""
    try:
        async with aclosing(engine.output(node)) as output:
            async for batch in output:
                yield batch
    except NodeUnreachable as error:
        log_note(f"the log of {node} is left out: {error}")


async def read_all(
    engine: Engine,
    nodes: Mapping[str, bool],
    saved: Callable[[str], Iterable[RawLine]],
    *,
    since: datetime | None,
    tail: int | None,
) -> list[NodeLine]:
    """Return all lines of the nodes in the order of time; `nodes` says for each whether the engine has it.

    A node whose machine does not answer is left out, and noted.
    """

    async def read(name: str, present: bool) -> Iterable[NodeLine]:
        parser, read = _LineParser(name, since), deque[NodeLine](maxlen=tail)
        read.extend(parser.read(saved(name)))
        if present:
            async with aclosing(kept_output(engine, name)) as output:
                async for batch in output:
                    read.extend(parser.read(batch))
        return read

    return _merged(await asyncio.gather(*(read(name, present) for name, present in nodes.items())))


async def follow_all(
    engine: Engine, group: str, nodes: Sequence[str], *, since: datetime | None, tail: int | None
) -> AsyncGenerator[Sequence[NodeLine]]:
    """Yield the lines of all `nodes` so far, then batches as they arrive, over restarts."""
    queue: asyncio.Queue[list[NodeLine] | Exception] = asyncio.Queue(_QUEUED_BATCHES)
    woken = {node: asyncio.Event() for node in nodes}
    first = {node: asyncio.get_running_loop().create_future() for node in nodes}

    async def follow(node: str) -> None:
        parser, past = _LineParser(node, since), deque[NodeLine](maxlen=tail)
        async for batch in Follower(engine, node).batches(woken[node]):
            if first[node].done():
                if lines := [*parser.read(batch)]:
                    await queue.put(lines)
            elif batch:
                past.extend(parser.read(batch))
            else:
                first[node].set_result(past)
                past = deque()

    async def wake() -> None:
        while True:
            try:
                async for event in engine.events(group):
                    if event.node in woken:
                        woken[event.node].set()
            except EngineUnavailable:
                await asyncio.sleep(engine.retry_s)
            for node in woken.values():
                node.set()

    async def guard(work: Coroutine[Any, Any, None], node: str | None = None) -> None:
        try:
            await work
        except Exception as failure:  # noqa: BLE001 - raised by the generator; else it would wait for ever
            if node is not None and not first[node].done():
                first[node].set_result([])
            await queue.put(failure)

    tasks = [asyncio.create_task(guard(wake()))]
    tasks += (asyncio.create_task(guard(follow(node), node)) for node in nodes)
    try:
        if past := _merged(await asyncio.gather(*first.values())):
            yield past
        while True:
            batch = await queue.get()
            if isinstance(batch, Exception):
                raise batch
            yield batch
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
