"""Every line of a node, once and in order, whatever happens to the node, the engine or the connection.

The engine's attach stream begins in the middle and ends with each run; what was written before comes from
the kept output. `Follower` attaches first, reads the kept output then, and joins the two where they
overlap, so that nothing is lost or told twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta

from stanlocal.engine.base import Engine, RawLine
from stanlocal.errors import EngineUnavailable, NodeNotFound, NodePaused

_MARGIN = timedelta(seconds=2)
"""How much earlier the engine may have stamped a line than it reached us."""
_ENGINE_RETRY_S = 0.5
_SHORT_RUN_S = 0.05
_TAIL = 10_000
"""Lines of kept output that may come again on a stream: far more than are written between two calls."""


def after(kept: Sequence[RawLine], last: RawLine | None) -> Sequence[RawLine]:
    """What of `kept` comes after the line that was told last."""
    if last is None:
        return kept
    for position in range(len(kept) - 1, -1, -1):
        if kept[position].text == last.text and kept[position].time <= last.time:
            return kept[position + 1 :]
    return [line for line in kept if line.time > last.time]


class Overlap:
    """Drops from the head of a stream what the kept output has told already.

    A stream that was joined in the middle of a line begins with the rest of that line.
    """

    def __init__(self, kept: Sequence[RawLine]) -> None:
        self._kept: deque[str] | None = deque((line.text for line in kept), _TAIL)

    def news(self, batch: Sequence[RawLine]) -> Sequence[RawLine]:
        """What of the next `batch` was not told yet."""
        if self._kept is None or not batch:
            return batch
        told = 0
        for line in batch:
            if told == 0:
                self._skip_to(line.text)
            if not self._kept or not self._kept[0].endswith(line.text):
                self._kept = None
                return batch[told:]
            self._kept.popleft()
            told += 1
        if not self._kept:
            self._kept = None
        return batch[told:]

    def _skip_to(self, text: str) -> None:
        assert self._kept is not None
        if self._kept and self._kept[0] == text:
            return
        found = [position for position, kept in enumerate(self._kept) if text and kept.endswith(text)]
        for _ in range(found[-1] if found else len(self._kept)):
            self._kept.popleft()


class Follower:
    """Follows one node, from `since` on (None: from the first line that the engine has kept)."""

    def __init__(self, engine: Engine, node: str, since: datetime | None = None) -> None:
        self._engine = engine
        self._node = node
        self._since = since
        self._last: RawLine | None = None

    async def batches(self, woken: asyncio.Event) -> AsyncGenerator[Sequence[RawLine]]:
        """What is kept, then each batch as it arrives, for ever.

        The first batch, maybe empty, tells all that was written before it. While the node is frozen or
        gone, nothing is tried before `woken` is set, as it should be after each engine event.
        """
        while True:
            woken.clear()
            attached = asyncio.get_running_loop().time()
            try:
                async for batch in self._run():
                    yield batch
                if asyncio.get_running_loop().time() < attached + _SHORT_RUN_S:
                    await asyncio.sleep(_SHORT_RUN_S)  # a run that is just ending; let the engine notice
            except EngineUnavailable:
                await asyncio.sleep(_ENGINE_RETRY_S)
            except NodePaused:
                yield await self._kept()
                await woken.wait()
            except NodeNotFound:
                yield []
                await woken.wait()

    async def _run(self) -> AsyncGenerator[Sequence[RawLine]]:
        overlap: Overlap | None = None
        async for batch in self._engine.attach(self._node):
            if overlap is None:
                kept = await self._kept()
                overlap = Overlap(kept)
                yield kept
            elif news := overlap.news(batch):
                yield self._tell(news)

    async def _kept(self) -> Sequence[RawLine]:
        since = self._last.time - _MARGIN if self._last else self._since
        return self._tell(after(await self._engine.output(self._node, since=since), self._last))

    def _tell(self, lines: Sequence[RawLine]) -> Sequence[RawLine]:
        if lines:
            self._last = lines[-1]
        return lines
