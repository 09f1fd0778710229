"""The branches of a channel into which two servers wrote at the same time, so that sequences come twice.

Each server goes on counting from what it read when it became active. So in the order in which records were
written, every branch ascends, and a record belongs to the branch that stands just before it. Where two
branches stand at the same sequence, the record's entry in the index tells by the offset that its server
believed in. Where that does not tell either, as messages are of one size or the index was written new, the
record counts as written by the server that wrote the one before.

A server that starts on such a store goes on behind the last record (nats-streaming-server 0.25.6,
stores/filestore.go: recoverOneMsgFile). So the branch with the last record is the one that is kept; what is
only in another one is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stanlocal.errors import StoreRefused
from stanlocal.store.format.bulk_messages import BulkMessage
from stanlocal.store.format.files import opened_file
from stanlocal.store.format.index import Entry
from stanlocal.store.format.index_views import IndexViews
from stanlocal.store.format.message import time_of
from stanlocal.store.format.raw_messages import read_raw
from stanlocal.store.format.records import Damage
from stanlocal.store.format.slices import SliceFiles
from stanlocal.util.printable import printable
from stanlocal.util.timestamps import rfc3339

KEPT = 0
"""Number of the branch that is kept."""
_MOST = 16
"""Number of branches at most: each is a server that became active while another one was."""
_BATCH = 4096

Written = tuple[int, BulkMessage]
"""A message, and the number of its branch in the order in which the branches began."""


@dataclass(frozen=True, slots=True)
class Branch:
    """The messages of a channel that one server wrote, or those that only it wrote if it is a conflict."""

    first_sequence: int
    last_sequence: int
    messages: int
    first_time: int
    """Nanoseconds since the epoch."""
    last_time: int
    largest: int
    """Bytes of the largest message."""

    def document(self) -> dict[str, Any]:
        return {
            "first_seq": self.first_sequence,
            "last_seq": self.last_sequence,
            "messages": self.messages,
            "first_time": rfc3339(time_of(self.first_time)),
            "last_time": rfc3339(time_of(self.last_time)),
        }


@dataclass(frozen=True, slots=True)
class Lineage:
    """The branch that is kept, and those that it continues, each up to a sequence."""

    kept_below: tuple[int | None, ...]
    """First sequence of each branch that is a conflict, in the order of their beginnings; None if none is."""

    def part(self, branch: int, sequence: int) -> int:
        """Return `KEPT`, the number of the conflict that a message belongs to, from 1 on, or -1.

        -1 is a branch that began after the lineage was found.
        """
        if branch >= len(self.kept_below):
            return -1
        below = self.kept_below[branch]
        if below is None or sequence < below:
            return KEPT
        return 1 + sum(each is not None for each in self.kept_below[:branch])


@dataclass(frozen=True, slots=True)
class Split:
    """A channel's branches."""

    fork: int
    """Last sequence up to which all branches are the same."""
    lineage: Lineage
    parts: tuple[Branch, ...]
    """The branch that is kept, then the conflicts in the order in which they began."""
    damaged: int = 0
    """Number of damaged records, which belong to no branch."""


class _Branches:
    """Assigns records, in the order in which they were written, to branches."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self.tips: list[int] = []
        """Last sequence of each branch."""
        self.first: list[int] = []
        self.parents: list[int] = []
        """Branch that each one forked from; the first one is its own."""
        self.last = 0
        """Branch of the last record."""
        self._ends: list[int] = []
        """Offset at which each branch's server believes that its next record begins; 0 if that is unknown."""

    def of(self, sequence: int, entry: Entry | None) -> int:
        """Return the branch of the next record, with its entry in the index."""
        before = [tip for tip in self.tips if tip < sequence]
        if not before:
            self._begin(sequence)
        else:
            self.last = self._closest(max(before), entry.offset if entry else 0)
            self.tips[self.last] = sequence
        self._ends[self.last] = entry.end if entry else 0
        return self.last

    def _closest(self, tip: int, offset: int) -> int:
        """Return the branch that stands there and expects the offset, else the last one, else the first."""
        there = [branch for branch, each in enumerate(self.tips) if each == tip]
        expecting = [branch for branch in there if self._ends[branch] == offset]
        if offset and len(expecting) == 1:
            return expecting[0]
        return self.last if self.last in there else there[0]

    def _begin(self, sequence: int) -> None:
        if len(self.tips) == _MOST:
            raise StoreRefused(
                f"channel '{printable(self._channel)}' has sequence {sequence} again and again: more than "
                f"{_MOST} servers cannot have written it; see 'stanlocal store verify'"
            )
        self.tips.append(sequence)
        self.first.append(sequence)
        self._ends.append(0)
        self.parents.append(self.last)
        self.last = len(self.tips) - 1

    def lineage(self) -> Lineage:
        # nothing of a branch is kept, unless the last goes on from it
        below: list[int | None] = list(self.first)
        branch, limit = self.last, None
        while True:
            below[branch] = limit
            if branch == 0:
                return Lineage(tuple(below))
            limit, branch = self.first[branch], self.parents[branch]
            while branch and self.first[branch] >= limit:
                branch = self.parents[branch]


def find_split(store: Path, channel: str, slices: Iterable[SliceFiles]) -> Split | None:
    """Read a channel and return its branches; None if its sequences ascend.

    Raises `StoreRefused` for sequences that no two servers can have written, `OSError` for a file that cannot
    be read.
    """
    files = tuple(slices)
    branches = _Branches(channel)
    damaged = sum(isinstance(each, Damage) for each in _written(store, branches, files))
    if len(branches.tips) < 2:
        return None
    lineage = branches.lineage()
    found: dict[int, Branch] = {}
    for each in _written(store, _Branches(channel), files):
        if not isinstance(each, Damage):
            branch, (sequence, time, data) = each
            if (part := lineage.part(branch, sequence)) >= KEPT:
                found[part] = _counted(found.get(part), sequence, time, len(data))
    parts = tuple(found[part] for part in sorted(found))
    return Split(min(branches.first[1:]) - 1, lineage, parts, damaged)


def _counted(branch: Branch | None, sequence: int, time: int, size: int) -> Branch:
    if branch is None:
        return Branch(sequence, sequence, 1, time, time, size)
    return Branch(
        branch.first_sequence,
        sequence,
        branch.messages + 1,
        branch.first_time,
        time,
        max(branch.largest, size),
    )


def read_branch(
    store: Path, channel: str, slices: Iterable[SliceFiles], split: Split, part: int
) -> Iterator[tuple[str, list[BulkMessage] | Damage]]:
    """Yield the messages of one branch, and each damaged record in its place, with the file they are in.

    Raises what `find_split` raises.
    """
    branches = _Branches(channel)
    for files in slices:
        name = files.data or files.index or ""
        batch: list[BulkMessage] = []
        for each in _written(store, branches, (files,)):
            if isinstance(each, Damage):
                yield name, each
            elif split.lineage.part(each[0], each[1][0]) == part:
                batch.append(each[1])
                if len(batch) == _BATCH or len(each[1][2]) > _BATCH:
                    yield name, batch
                    batch = []
        if batch:
            yield name, batch


def _written(store: Path, branches: _Branches, slices: Iterable[SliceFiles]) -> Iterator[Written | Damage]:
    for files in slices:
        with ExitStack() as stack:
            entries = stack.enter_context(opened_file(store, files.index)) if files.index else None
            views = IndexViews(entries)
            for found in read_raw(store, files):
                if isinstance(found, Damage):
                    yield found
                else:
                    sequence, time, _ = found
                    yield branches.of(sequence, views.entry(sequence, time)), found
