"""The story of a group as it is watched: its past in the order of time, then what happens, as it is seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import datetime

from stanlocal.history import occurrences
from stanlocal.history.journal import Record
from stanlocal.history.occurrences import Moment

_QUEUED = 10_000
"""Moments: who tells has to wait for a reader that is further behind."""


class Story:
    """Told of all moments and of what the journal holds; read once, by `moments`."""

    def __init__(self) -> None:
        self._past: list[Moment] | None = []
        """What was told so far, until all of the past is there and can be put in order."""
        self._news: asyncio.Queue[Moment | BaseException] = asyncio.Queue(_QUEUED)
        self._recorded: set[tuple[datetime, str | None, type]] = set()
        """What was told of the journal."""
        self._records = 0
        """How many it had then."""

    async def tell(self, *told: Moment | None) -> None:
        """What happened; None: nothing that matters."""
        for moment in told:
            if moment is None:
                continue
            if self._past is not None:
                self._past.append(moment)
            else:
                await self._news.put(moment)

    async def tell_records(self, records: Sequence[Record]) -> None:
        """What the journal holds now; what of it was told before is not told again."""
        if self._past is None and len(records) != self._records:
            await self.tell(*self._unread(records))

    async def fail(self, failure: BaseException) -> None:
        """Nothing can be told any more, because of this: `moments` raises it."""
        await self._news.put(failure)

    async def moments(
        self, ends: Iterable[Moment | None], records: Sequence[Record]
    ) -> AsyncGenerator[Moment]:
        """All of it; asked when the past is told but for the ends of processes and what the journal holds."""
        past = [*(self._past or ()), *filter(None, ends), *self._unread(records)]
        self._past = None
        for moment in sorted(past, key=lambda moment: moment.time):
            yield moment
        while True:
            told = await self._news.get()
            if isinstance(told, BaseException):
                raise told
            yield told

    def _unread(self, records: Sequence[Record]) -> list[Moment]:
        told = {
            (moment.time, moment.node, type(moment.what)): moment
            for moment in occurrences.of_records(records)
        }
        self._records = len(records)
        unread = [moment for key, moment in told.items() if key not in self._recorded]
        self._recorded.update(told)
        return unread
