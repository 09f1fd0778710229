"""A check of every byte of a slice: index and messages, each by itself and against each other.

At its start the server reads a slice's index and its last message. So damage to another message is
`silent`, until a subscriber gets there. Only where the index is unusable does the server read all
messages, and then it does not start with a damaged one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from stanlocal.store.format import index
from stanlocal.store.format.batch import batch_intact, ends_of, longer_from, same
from stanlocal.store.format.crc import INDEX_BYTES
from stanlocal.store.format.files import VERSION, VERSION_BYTES, StoreFile, opened_file
from stanlocal.store.format.index import Block, Entry, IndexFlaw
from stanlocal.store.format.message import decode, sequence_of
from stanlocal.store.format.progressions import progression
from stanlocal.store.format.records import BATCH_BYTES, Damage, LargeRecord, Record, read_records
from stanlocal.store.format.slices import SliceFiles, read_large, read_one
from stanlocal.store.verify.check_file import version_problem
from stanlocal.store.verify.problems import KEPT, Kind, Problem, Start
from stanlocal.store.verify.slice_meaning import FATAL_WHEN_READ, KINDS, MEANING

Progress = Callable[[int], None]
"""Callback that takes the number of bytes checked since its last call."""

_SAME_SIZE = 1024
"""Smallest number of messages for which a run of equal sizes is worth a search."""


@dataclass
class SliceCheck:
    """The result of checking one slice."""

    problems: list[Problem]
    """The first problems; `more_problems` counts the others."""
    more_problems: int = 0
    messages: int = 0
    """Number of intact messages."""
    first: int | None = None
    """First sequence."""
    last: int | None = None


def check_slice(store: Path, files: SliceFiles, progress: Progress = lambda count: None) -> SliceCheck:
    """Check a slice. Raises `OSError` when one of its files cannot be read."""
    if files.data is None:
        assert files.index is not None
        return SliceCheck(
            [
                Problem(
                    Kind.INDEX_ORPHAN,
                    files.index,
                    "an index without its messages; the server ignores it",
                    Start.SILENT,
                    "bring its .dat file back from a copy, or remove it",
                )
            ]
        )
    with ExitStack() as opened:
        entries = opened.enter_context(opened_file(store, files.index)) if files.index else None
        data = opened.enter_context(opened_file(store, files.data))
        check = _Checker(data, entries, progress)
        check.run()
        return check.result


class _Checker:
    def __init__(self, data: StoreFile, entries: StoreFile | None, progress: Progress) -> None:
        self.data = data
        self.entries = entries
        self.progress = progress
        self.result = SliceCheck([])
        self._buffer = bytearray(BATCH_BYTES)
        self._end = VERSION_BYTES
        """Offset at which the next record must begin."""
        self._index_whole = False
        """True once the index was read to its end."""
        self._server_reads_all = False
        self._last_fatal: Problem | None = None

    def run(self) -> None:
        bad = [file for file in (self.data, self.entries) if file is not None and file.version != VERSION]
        for file in bad:
            rebuild = f"remove {file.name}: the server rebuilds it"
            fix = () if file is self.data else (rebuild,)
            self.result.problems.append(version_problem(file, *fix))
        if bad:
            return
        if self.entries is None:
            self._problem(Kind.INDEX_MISSING, 0, "no index; the server rebuilds it from the messages")
            self._server_reads_all = True
        else:
            self._with_index(self.entries)
        self._rest()
        self._settle()

    # With the index

    def _with_index(self, entries: StoreFile) -> None:
        for block in index.read_blocks(entries):
            if isinstance(block, IndexFlaw):
                self._index_flaw(entries, block)
                return
            if not self._block(block):
                return
            self.progress(len(block) * INDEX_BYTES)
        self._index_whole = True

    def _block(self, block: Block) -> bool:
        """Check a block; return whether the index still says where messages are."""
        ends = ends_of(self._end, block.sizes)
        good = len(block)
        if ends[:-1] != block.offsets:
            good = next(at for at in range(good) if ends[at] != block.offsets[at])
            entry = block.entry(good)
            self._mismatch(
                block.first + good,
                f"sequence {entry.sequence} is at {entry.offset}, where {ends[good]} is due",
            )
        elif ends[-1] > self.data.size:
            good = bisect_right(ends, self.data.size) - 1
            self._server_reads_all = True  # it finds that the last message is not there
            if ends[good] == self.data.size:
                first, last = block.sequences[good], self._last_of_index()
                detail = f"sequences {first} to {last} are in the index, but not in the file"
                self._problem(Kind.MESSAGES_MISSING, ends[good], detail)
        self._end = ends[good]
        if good:
            self._sequences(block.part(0, good))
            self._records(block, 0, good)
        return good == len(block)

    def _last_of_index(self) -> int | str:
        assert self.entries is not None
        entry = index.read_entry(self.entries, index.count(self.entries) - 1)
        return entry.sequence if entry else "?"

    def _sequences(self, block: Block) -> None:
        first, last = block.sequences[0], block.sequences[-1]
        due = self.result.last + 1 if self.result.last is not None else first
        if (
            first == due
            and last == due + len(block) - 1
            and block.sequences == progression(due, 1, len(block))
        ):
            self.result.first = self.result.first or first
            self.result.last = last
            return
        for at, sequence in enumerate(block.sequences):
            self._sequence(sequence, block.offsets[at])

    def _sequence(self, sequence: int, offset: int) -> None:
        last = self.result.last
        if last is not None and sequence > last + 1:
            self._problem(Kind.SEQUENCE_GAP, offset, f"sequences {last + 1} to {sequence - 1} are missing")
        if last is not None and sequence <= last:
            self._problem(Kind.SEQUENCE_OVERLAP, offset, f"sequence {sequence} comes after {last}")
        self.result.first = self.result.first or sequence
        self.result.last = max(last or 0, sequence)

    def _records(self, block: Block, low: int, high: int) -> None:
        """Check the messages of a part of a block in pieces of limited size."""
        while low < high:
            begin = block.offsets[low]
            upto = bisect_right(block.offsets, begin + BATCH_BYTES, low, high)
            if upto - 1 > low and block.entry(upto - 1).end > begin + BATCH_BYTES:
                upto -= 1
            end = block.entry(upto - 1).end
            if end - begin > BATCH_BYTES:
                self._large(block.entry(low))
            elif self.data.read_into(self._buffer, begin, end - begin):
                self._batch(block, low, upto, begin)
            else:
                self._singly(block, low, upto)
            self.progress(end - begin)
            low = upto

    def _batch(self, block: Block, low: int, high: int, base: int) -> None:
        """Check messages in the buffer, whose first byte is at the offset `base`."""
        longer = longer_from(block.sequences, low, high)
        if low < longer < high:
            self._batch(block, low, longer, base)
            self._batch(block, longer, high, base)
            return
        if high - low <= _SAME_SIZE or same(block.sizes, low, high):
            if batch_intact(block.part(low, high), self._buffer, base):
                self.result.messages += high - low
            else:
                self._singly(block, low, high)
            return
        middle = (low + high) // 2
        self._batch(block, low, middle, base)
        self._batch(block, middle, high, base)

    def _singly(self, block: Block, low: int, high: int) -> None:
        for at in range(low, high):
            self._one(block, at)

    def _one(self, block: Block, at: int) -> None:
        """Check one message by itself, where something is wrong nearby."""
        entry = block.entry(at)
        found = read_one(self.data, entry)
        if isinstance(found, Damage):
            self._damaged(found, entry.sequence)
            return
        assert isinstance(found, Record)  # of at most a batch
        self.result.messages += 1
        try:
            message = decode(found.payload)
        except ValueError as error:
            self._problem(Kind.UNDECODABLE, entry.offset, f"sequence {entry.sequence} is no message: {error}")
            return
        stored = (message.sequence, message.timestamp)
        if stored != (entry.sequence, entry.timestamp):
            self._mismatch(
                block.first + at,
                f"the index has sequence {entry.sequence}, time {entry.timestamp} for the message at "
                f"{entry.offset}, which is sequence {stored[0]}, time {stored[1]}",
            )

    def _large(self, entry: Entry) -> None:
        """Check a message that is not read into memory at once."""
        found = read_large(self.data, entry)
        if isinstance(found, Damage):
            self._damaged(found, entry.sequence)
        else:
            self.result.messages += 1

    # Without it

    def _rest(self) -> None:
        """Check the messages that the index does not list."""
        known, unseen = self._end, 0
        for found in read_records(self.data, typed=False, start=known):
            if isinstance(found, Damage):
                self._damaged(found, None)
                continue
            unseen += 1
            self.result.messages += 1
            self.progress(found.end - found.offset)
            try:
                begins = found.beginning if isinstance(found, LargeRecord) else found.payload
                sequence = sequence_of(begins)
            except ValueError as error:
                self._problem(Kind.UNDECODABLE, found.offset, f"no message: {error}")
                continue
            self._sequence(sequence, found.offset)
        if unseen and self._index_whole:
            self._problem(
                Kind.INDEX_SHORT,
                known,
                f"{unseen} messages are not in the index; the server does not see them",
            )

    # Consequences

    def _settle(self) -> None:
        """Mark the damage that keeps the server from starting, once it is known what it reads."""
        last = self._last_fatal
        if self._server_reads_all or (last is not None and self._is_last_message(last)):
            self.result.problems = [
                replace(problem, start=Start.REFUSED, fix=_cut(problem, self.entries))
                if problem.kind in FATAL_WHEN_READ
                else problem
                for problem in self.result.problems
            ]

    def _is_last_message(self, problem: Problem) -> bool:
        if self.entries is None:
            return False
        entry = index.read_entry(self.entries, index.count(self.entries) - 1)
        return entry is not None and entry.offset == problem.offset

    def _index_flaw(self, entries: StoreFile, flaw: IndexFlaw) -> None:
        if flaw.what == "zeros" and not any(_chunks(entries, flaw.offset)):
            self._add(Kind.ZERO_TAIL, entries, flaw.offset, "zeros to the end; the server cuts them off")
            self._index_whole = True
            return
        self._server_reads_all = True
        detail = "cut short" if flaw.what == "cut short" else "an entry does not have its checksum"
        self._add(
            Kind.INDEX_DAMAGED, entries, flaw.offset, f"{detail}; the server rebuilds it from the messages"
        )

    def _damaged(self, damage: Damage, sequence: int | None) -> None:
        kind = KINDS[damage.flaw]
        who = f"sequence {sequence}: " if sequence is not None else ""
        self._problem(kind, damage.offset, who + damage.detail)

    def _mismatch(self, number: int, detail: str) -> None:
        assert self.entries is not None
        at = VERSION_BYTES + number * INDEX_BYTES
        self._add(Kind.INDEX_MISMATCH, self.entries, at, detail)

    def _problem(self, kind: Kind, offset: int, detail: str) -> None:
        self._add(kind, self.data, offset, detail)

    def _add(self, kind: Kind, file: StoreFile, offset: int, detail: str) -> None:
        start, fix = MEANING[kind]
        names = {"index": self.entries.name if self.entries else "", "file": file.name, "offset": offset}
        problem = Problem(kind, file.name, detail, start, fix.format(**names), offset)
        if kind in FATAL_WHEN_READ:
            self._last_fatal = problem
        if len(self.result.problems) < KEPT:
            self.result.problems.append(problem)
        else:
            self.result.more_problems += 1


def _cut(problem: Problem, entries: StoreFile | None) -> str:
    also = f" and remove {entries.name}" if entries is not None else ""
    return (
        f"stop the group, copy the store, 'truncate -s {problem.offset} {problem.file}'{also}: "
        "what follows in the file is lost"
    )


def _chunks(file: StoreFile, start: int) -> Iterator[bool]:
    """Yield for each piece of the rest of a file whether anything but zeros is in it."""
    for at in range(start, file.size, BATCH_BYTES):
        yield any(file.read(at, BATCH_BYTES))
