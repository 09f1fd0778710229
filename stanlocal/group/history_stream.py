"""The history of a watched group as one stream: its past in order of time, then occurrences as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import datetime

from stanlocal.history import occurrences
from stanlocal.history.journal import faults
from stanlocal.history.occurrences import Occurrence
from stanlocal.history.records import Record
from stanlocal.logs.merge import NodeLine
from stanlocal.model.fault_record import FaultRecord
from stanlocal.model.instance import EngineEvent, Instance

_QUEUED = 10_000
"""Occurrences that may wait for the reader; while it is further behind, `add` waits."""


class HistoryStream:
    """Merges occurrences and the journal's records from several sources into one stream for one reader."""

    def __init__(self) -> None:
        self._past: list[Occurrence] | None = []
        """Occurrences so far, until the past is complete and can be put in order; None afterwards."""
        self._news: asyncio.Queue[Occurrence | BaseException] = asyncio.Queue(_QUEUED)
        self._from_journal: set[tuple[datetime, str | None, type]] = set()
        """Keys of the journal's occurrences that were added."""
        self._records = 0
        """Number of the journal's records at the last look."""

    async def add(self, *happened: Occurrence | None) -> None:
        """Add occurrences; None, which stands for nothing of interest, is skipped."""
        for occurrence in happened:
            if occurrence is None:
                continue
            if self._past is not None:
                self._past.append(occurrence)
            else:
                await self._news.put(occurrence)

    async def add_lines(self, lines: Iterable[NodeLine]) -> None:
        """Add what the lines of a node report."""
        await self.add(*(occurrences.of_line(each.node, each.line) for each in lines))

    async def add_engine_event(self, event: EngineEvent, fault: FaultRecord | None) -> None:
        """Add what an engine reports; `fault` is the one that ended the node's run, if one did."""
        await self.add(occurrences.of_engine_event(event, fault))

    async def add_records(self, records: Sequence[Record]) -> None:
        """Add what the journal holds now, except for what was added before."""
        if self._past is None and len(records) != self._records:
            await self.add(*self._unread(records))

    async def fail(self, failure: BaseException) -> None:
        """End the stream: `read` raises this failure."""
        await self._news.put(failure)

    async def read(
        self, instances: Iterable[Instance], records: Sequence[Record]
    ) -> AsyncGenerator[Occurrence]:
        """Yield the past in order, then each occurrence as it arrives.

        Call it once, after the nodes' kept output was added. `instances` are the nodes, whose
        processes may have ended, `records` all records of the journal.
        """
        recorded = faults(records)
        ends = (occurrences.of_end(each, recorded) for each in instances)
        past = [*(self._past or ()), *filter(None, ends), *self._unread(records)]
        self._past = None
        for occurrence in sorted(past, key=lambda occurrence: occurrence.time):
            yield occurrence
        while True:
            news = await self._news.get()
            if isinstance(news, BaseException):
                raise news
            yield news

    def _unread(self, records: Sequence[Record]) -> list[Occurrence]:
        found = {(each.time, each.node, type(each.what)): each for each in occurrences.of_records(records)}
        self._records = len(records)
        unread = [occurrence for key, occurrence in found.items() if key not in self._from_journal]
        self._from_journal.update(found)
        return unread
