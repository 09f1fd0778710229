"""The views of servers that wrote into one slice at the same time: where each believed that its messages are.

Both append to one index, each with the offsets that follow from its own messages alone. So an entry tells
which of two servers wrote a message, until a server is started again: it writes the whole index new.
"""

from __future__ import annotations

from collections.abc import Iterator

from stanlocal.store.format import index
from stanlocal.store.format.files import VERSION, StoreFile
from stanlocal.store.format.index import BLOCK_RECORDS, Block, Entry

_BLOCKS = 2
"""Blocks of the index that are held before and behind a message: servers write messages first and then their
entries, so that those are not in the order of messages."""


class IndexViews:
    """The entries of an index, found by sequence and time while the messages are read in their order."""

    def __init__(self, entries: StoreFile | None) -> None:
        readable = entries is not None and entries.version == VERSION
        self._blocks: Iterator[object] = index.read_blocks(entries) if entries and readable else iter(())
        self._held: dict[int, dict[tuple[int, int], Entry]] = {}
        self._next = 0
        self._read = 0

    def entry(self, sequence: int, time: int) -> Entry | None:
        """Return the entry of the next message; None if the index has none near its place."""
        at = self._read // BLOCK_RECORDS
        self._read += 1
        while self._next <= at + _BLOCKS:
            block = next(self._blocks, None)
            self._held[self._next] = _by_message(block) if isinstance(block, Block) else {}
            self._held.pop(self._next - 2 * _BLOCKS - 1, None)
            self._next += 1
        key = (sequence, time % (1 << 64))
        return next((found for held in self._held.values() if (found := held.get(key))), None)


def _by_message(block: Block) -> dict[tuple[int, int], Entry]:
    entries = map(block.entry, range(len(block)))
    return {(entry.sequence, entry.timestamp): entry for entry in entries}
