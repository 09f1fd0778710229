"""Every line of a node, once and in order, whatever happens to the node, the engine or the connection.

The engine's attach stream begins in the middle and ends with each run; what was written before comes from
the kept output. `Follower` attaches first, reads the kept output then, and joins the two where they
overlap, so that nothing is lost or told twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from stanlocal.engine.base import Engine, RawLine
from stanlocal.errors import EngineUnavailable, NodeNotFound, NodePaused

_ENGINE_RETRY_S = 0.5
_SHORT_RUN_S = 0.05
_TAIL = 10_000
"""Lines of kept output that may come again on a stream: far more than are written between two calls."""


def after(kept: Sequence[RawLine], last: RawLine | None, since: datetime | None) -> Sequence[RawLine]:
    """What of `kept` comes after the line that was told last, `last`, and after `since`.

    The engine has stamped what it kept, we what came live: if no line of that text is old enough by these
    clocks, they differ, and the last one of that text is meant.
    """
    if last is None:
        return kept
    alike = [position for position, line in enumerate(kept) if line.text == last.text]
    old = [position for position in alike if kept[position].time <= last.time]
    if found := old or alike:
        return kept[found[-1] + 1 :]
    return [line for line in kept if since is None or line.time > since]


class Overlap:
    """Drops from the head of a stream what the kept output has told already.

    A stream that was joined in the middle of a line begins with the rest of that line, which can be the
    rest of several: all places where the stream may have begun are pursued until its lines tell.
    """

    def __init__(self, kept: Sequence[RawLine]) -> None:
        self._kept = [line.text for line in kept[-_TAIL:]]
        self._next: list[int] | None = None
        """Where in the kept output the stream may be by now; None before its first line."""
        self._over = False

    def news(self, batch: Sequence[RawLine]) -> Sequence[RawLine]:
        """What of the next `batch` was not told yet."""
        if self._over:
            return batch
        for told, line in enumerate(batch):
            self._next = self._after(line.text)
            if not self._next:
                self._over = True
                self._kept.clear()
                return batch[told:]
        return ()

    def _after(self, text: str) -> list[int]:
        if self._next is None:
            return [position + 1 for position, kept in enumerate(self._kept) if kept.endswith(text)]
        return [position + 1 for position in self._next if self._kept[position : position + 1] == [text]]


class Follower:
    """Follows one node, from `since` on (None: from the first line that the engine has kept)."""

    def __init__(self, engine: Engine, node: str, since: datetime | None = None) -> None:
        self._engine = engine
        self._node = node
        self._since = since
        """By the engine's clock, which need not be ours."""
        self._last: RawLine | None = None

    async def batches(self, woken: asyncio.Event) -> AsyncGenerator[Sequence[RawLine]]:
        """What is kept, then each batch as it arrives, for ever.

        The first batch, maybe empty, tells all that was written before it. While the node is frozen or
        gone, nothing is tried before `woken` is set, as it should be after each engine event.
        """
        while True:
            woken.clear()
            try:
                async for batch in self._run(woken):
                    yield batch
            except EngineUnavailable:
                await asyncio.sleep(_ENGINE_RETRY_S)
            except NodeNotFound:
                yield ()
                await woken.wait()

    async def _run(self, woken: asyncio.Event) -> AsyncGenerator[Sequence[RawLine]]:
        attached = asyncio.get_running_loop().time()
        try:
            async for batch in self._stream():
                yield batch
        except NodePaused:
            yield await self._kept()
            await woken.wait()
        else:
            if asyncio.get_running_loop().time() < attached + _SHORT_RUN_S:
                await asyncio.sleep(_SHORT_RUN_S)  # a run that is just ending; let the engine notice

    async def _stream(self) -> AsyncGenerator[Sequence[RawLine]]:
        overlap: Overlap | None = None
        async for batch in self._engine.attach(self._node):
            if overlap is None:
                told = [self._last] if self._last else []
                kept = await self._kept()
                overlap = Overlap([*told, *kept])
                yield kept
                del kept  # it may be large, and the stream lasts
            elif news := overlap.news(batch):
                yield self._tell(news)

    async def _kept(self) -> Sequence[RawLine]:
        kept = await self._engine.output(self._node, since=self._since)
        news = after(kept, self._last, self._since)
        if kept:
            self._since = kept[-1].time
        return self._tell(news)

    def _tell(self, lines: Sequence[RawLine]) -> Sequence[RawLine]:
        if lines:
            self._last = lines[-1]
        return lines
