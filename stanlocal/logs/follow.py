"""Every line of a node, once and in order, whatever happens to the node, the engine or the connection.

The engine's attach stream begins in the middle and ends with each run; what was written before comes from
the kept output. `Follower` attaches first, reads the kept output then, and joins the two where they
overlap, so that no line is lost or given twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime

from stanlocal.engine.base import Engine
from stanlocal.errors import EngineUnavailable, NodeNotFound, NodePaused, NodeUnreachable
from stanlocal.model.instance import RawLine

_SHORT_RUN_S = 0.05
_TAIL = 10_000
"""Lines of kept output that may come again on a stream: far more than are written between two calls."""


def after(kept: Sequence[RawLine], last: RawLine | None, since: datetime | None) -> Sequence[RawLine]:
    """Return the lines of `kept` after `last`, the line given last, or after `since` if it is not there.

    The engine stamps what it keeps, we stamp what comes live. If no line with the text of `last` is as old
    as it, the clocks differ, and the last line with that text counts.
    """
    if last is None:
        return kept
    alike = [position for position, line in enumerate(kept) if line.text == last.text]
    old = [position for position in alike if kept[position].time <= last.time]
    if found := old or alike:
        return kept[found[-1] + 1 :]
    return [line for line in kept if since is None or line.time > since]


class Overlap:
    """Filter that drops from the head of a stream the lines that the kept output has given already.

    A stream that was joined in the middle of a line begins with the rest of that line, and several kept lines
    may end with it: each place where the stream may have begun is tried until the next lines decide.
    """

    def __init__(self, kept: Iterable[RawLine]) -> None:
        self._kept = [line.text for line in kept]
        self._next: list[int] | None = None
        """Positions in the kept output where the stream may be by now; None before its first line."""
        self._over = False

    def news(self, batch: Sequence[RawLine]) -> Sequence[RawLine]:
        """Return the lines of the next `batch` that were not given yet."""
        if self._over:
            return batch
        for known, line in enumerate(batch):
            self._next = self._after(line.text)
            if not self._next:
                self._over = True
                self._kept.clear()
                return batch[known:]
        return ()

    def _after(self, text: str) -> list[int]:
        if self._next is None:
            return [position + 1 for position, kept in enumerate(self._kept) if kept.endswith(text)]
        return [position + 1 for position in self._next if self._kept[position : position + 1] == [text]]


class Follower:
    """Follower of one node, from `since` on (None: from the first line that the engine has kept).

    After a run of less than `short_run_s` seconds it waits as long, so that the engine notices the end.
    """

    def __init__(
        self,
        engine: Engine,
        node: str,
        since: datetime | None = None,
        *,
        short_run_s: float = _SHORT_RUN_S,
    ) -> None:
        self._short_run_s = short_run_s
        self._engine = engine
        self._node = node
        self._since = since
        """Start by the engine's clock, which need not be ours."""
        self._last: RawLine | None = None
        self.unreachable: str | None = None
        """Reason why nothing can be read now, as the node's machine does not answer; None while it does."""

    async def batches(self, woken: asyncio.Event) -> AsyncGenerator[Sequence[RawLine]]:
        """Yield what is kept, in batches, then each batch as it arrives, for ever.

        An empty batch says that all which was written before it has been given, as far as it can be read: see
        `unreachable`. While the node is frozen or gone, this waits for `woken`, which the caller sets after
        each engine event.
        """
        while True:
            woken.clear()
            try:
                async for batch in self._run(woken):
                    yield batch
            except EngineUnavailable:
                await asyncio.sleep(self._engine.retry_s)
            except NodeUnreachable as error:
                self.unreachable = str(error)
                yield ()
                await asyncio.sleep(self._engine.retry_s)
            except NodeNotFound:
                yield ()
                await woken.wait()

    async def _run(self, woken: asyncio.Event) -> AsyncGenerator[Sequence[RawLine]]:
        attached = asyncio.get_running_loop().time()
        try:
            async for batch in self._stream():
                yield batch
        except NodePaused:
            async for batch in self._kept(deque()):
                yield batch
            await woken.wait()
        else:
            if asyncio.get_running_loop().time() < attached + self._short_run_s:
                await asyncio.sleep(self._short_run_s)

    async def _stream(self) -> AsyncGenerator[Sequence[RawLine]]:
        overlap: Overlap | None = None
        async for batch in self._engine.attach(self._node):
            if overlap is None:
                recent = deque([self._last] if self._last else [], _TAIL)
                async for kept in self._kept(recent):
                    self.unreachable = None
                    yield kept
                overlap = Overlap(recent)
                del recent  # it may be large, and the stream lasts
            elif news := overlap.news(batch):
                yield self._give(news)

    async def _kept(self, recent: deque[RawLine]) -> AsyncGenerator[Sequence[RawLine]]:
        """Yield what is kept and was not given yet, then an empty batch; add what is kept to `recent`."""
        async with aclosing(self._engine.output(self._node, since=self._since)) as output:
            if self._last is None:
                async for batch in output:
                    recent.extend(batch)
                    self._since = batch[-1].time
                    yield self._give(batch)
            else:  # the stream had broken off, and little was kept since then
                kept = [line async for batch in output for line in batch]
                recent.extend(kept)
                news = after(kept, self._last, self._since)
                if kept:
                    self._since = kept[-1].time
                if news:
                    yield self._give(news)
        yield ()

    def _give(self, lines: Sequence[RawLine]) -> Sequence[RawLine]:
        if lines:
            self._last = lines[-1]
        return lines
