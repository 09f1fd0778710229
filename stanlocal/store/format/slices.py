"""The slices of a channel, and the messages in them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from stanlocal.store.format import index
from stanlocal.store.format.crc import HEAD_BYTES, INDEX_BYTES
from stanlocal.store.format.encryption import ChannelKey, Undecryptable
from stanlocal.store.format.files import VERSION, VERSION_BYTES, StoreFile, opened_file
from stanlocal.store.format.index import Entry, IndexFlaw
from stanlocal.store.format.message import StoredMessage, decode
from stanlocal.store.format.records import (
    HEAD,
    LARGEST,
    Damage,
    Flaw,
    Found,
    LargeRecord,
    Record,
    large_message,
    read_records,
)

_SAMPLED = 16
"""Number of messages read to decide whether a channel is encrypted."""
_NAME = re.compile(r"msgs\.(\d{1,18})\.(dat|idx)", re.ASCII)


@dataclass(frozen=True, slots=True)
class SliceFiles:
    """The files of a slice, named relative to the store."""

    number: int
    data: str | None
    index: str | None


@dataclass(frozen=True, slots=True)
class Window:
    """A range of sequences and times, bounds included."""

    first_sequence: int = 0
    last_sequence: int = (1 << 64) - 1
    since: int = -(1 << 63)
    """Time in nanoseconds since the epoch."""
    until: int = (1 << 63) - 1

    def has(self, message: StoredMessage) -> bool:
        return (
            self.first_sequence <= message.sequence <= self.last_sequence
            and self.since <= message.timestamp <= self.until
        )

    def is_past(self, message: StoredMessage) -> bool:
        """Return whether no later message can be in the window."""
        return message.sequence > self.last_sequence or message.timestamp > self.until


def slices_of(store: Path, channel: str) -> list[SliceFiles]:
    """Return the channel's slices by number; raises `OSError` when its folder cannot be read."""
    found: dict[int, dict[str, str]] = {}
    for name in (path.name for path in (store / channel).iterdir()):
        if match := _NAME.fullmatch(name):
            found.setdefault(int(match[1]), {})[match[2]] = f"{channel}/{name}"
    return [SliceFiles(number, kinds.get("dat"), kinds.get("idx")) for number, kinds in sorted(found.items())]


@dataclass(frozen=True, slots=True)
class SliceSummary:
    """The extent of a slice, from its index, or from its messages where it has no usable index."""

    number: int
    messages: int
    bytes: int
    """Bytes as the server's monitor counts them: payload, head and index record of each message."""
    first: Entry | None
    last: Entry | None
    disk_bytes: int


def summarize(store: Path, slice_: SliceFiles) -> SliceSummary:
    """Summarize a slice from two entries of its index where that fits, else from its messages.

    Raises `OSError` when its messages cannot be read.
    """
    if slice_.data is None:
        size = (store / slice_.index).stat().st_size if slice_.index else 0
        return SliceSummary(slice_.number, 0, 0, None, None, size)
    with opened_file(store, slice_.data) as data:
        if slice_.index is not None:
            with opened_file(store, slice_.index) as entries:
                number = index.count(entries)
                first = index.read_entry(entries, 0) if number else None
                last = index.read_entry(entries, number - 1) if number else None
                disk = data.size + entries.size
            if first is not None and last is not None and last.end <= data.size:
                size = last.end - first.offset + number * INDEX_BYTES
                return SliceSummary(slice_.number, number, size, first, last, disk)
        return _walked(slice_.number, data)


def _walked(number: int, data: StoreFile) -> SliceSummary:
    first: Entry | None = None
    last: Entry | None = None
    messages = size = 0
    for record in read_records(data, typed=False):
        if not isinstance(record, Record):
            continue
        try:
            message = decode(record.payload)
        except ValueError:
            continue
        last = Entry(message.sequence, record.offset, message.timestamp, len(record.payload))
        first = first or last
        messages += 1
        size += last.size + index.RECORD_BYTES
    return SliceSummary(number, messages, size, first, last, data.size)


def read_messages(
    store: Path, slice_: SliceFiles, window: Window, key: ChannelKey | None = None
) -> Iterator[StoredMessage | Damage]:
    """Yield the messages of a slice that are in the window, and each damaged record before its end.

    With the channel's key the data is decrypted, and a message that the key does not fit is damaged.

    As long as the index is intact it says where each message is, so one with a wrong size does not hide
    those behind it. Raises `OSError` when a file cannot be read.
    """
    if slice_.data is None:
        return
    with ExitStack() as files:
        entries = files.enter_context(opened_file(store, slice_.index)) if slice_.index else None
        data = files.enter_context(opened_file(store, slice_.data))
        if data.version != VERSION:
            yield Damage(0, Flaw.VERSION, f"format version {data.version}, not {VERSION}")
            return
        for found in _found(data, entries, window):
            message = _decoded(found)
            if isinstance(message, Damage):
                yield message
            elif window.is_past(message):
                return
            elif window.has(message):
                yield message if key is None else _decrypted(message, key, found.offset)


def maybe_encrypted(store: Path, slices: Sequence[SliceFiles]) -> bool:
    """Return whether the first messages all look encrypted by the server.

    Raises `OSError` when a file cannot be read.
    """
    found = (item for slice_ in slices for item in read_messages(store, slice_, Window()))
    sample = (item for item in islice(found, _SAMPLED) if isinstance(item, StoredMessage) and item.data)
    looks = [message.may_be_encrypted for message in sample]
    return bool(looks) and all(looks)


def _decoded(found: Found) -> StoredMessage | Damage:
    if isinstance(found, Damage):
        return found
    if isinstance(found, LargeRecord):
        return Damage(
            found.offset, Flaw.LARGE, f"{found.size} bytes; at most {LARGEST} are shown of a message"
        )
    try:
        return decode(found.payload)
    except ValueError as error:
        return Damage(found.offset, Flaw.UNDECODABLE, f"no message: {error}")


def _decrypted(message: StoredMessage, key: ChannelKey, offset: int) -> StoredMessage | Damage:
    try:
        return replace(message, data=key.decrypt(message.data), decrypted=True)
    except Undecryptable as reason:
        return Damage(
            offset, Flaw.UNDECRYPTABLE, f"sequence {message.sequence} cannot be decrypted: {reason}"
        )


def _found(data: StoreFile, entries: StoreFile | None, window: Window) -> Iterator[Found]:
    end = VERSION_BYTES
    if entries is not None and entries.version == VERSION:
        for block in index.read_blocks(entries, _start(entries, window)):
            if isinstance(block, IndexFlaw):
                break
            for at in range(len(block)):
                entry = block.entry(at)
                if entry.offset < VERSION_BYTES or entry.end > data.size:
                    yield Damage(
                        entry.offset, Flaw.CUT_SHORT, f"sequence {entry.sequence} is not in the file"
                    )
                    return
                yield read_one(data, entry)
                end = entry.end
    yield from read_records(data, typed=False, start=end)


def _start(entries: StoreFile, window: Window) -> int:
    """Return the entry to begin with: the window's first, or the slice's last."""
    try:
        first = max(
            index.find(entries, "sequence", window.first_sequence),
            index.find(entries, "timestamp", window.since),
        )
        return max(0, min(first, index.count(entries) - 1))
    except ValueError:  # damaged on the way: from the beginning then
        return 0


def read_one(data: StoreFile, entry: Entry) -> Found:
    """Read the record of an index entry."""
    if entry.size > LARGEST:
        return read_large(data, entry)
    record = data.read(entry.offset, HEAD_BYTES + entry.size)
    if len(record) < HEAD_BYTES + entry.size:
        return Damage(entry.offset, Flaw.CUT_SHORT, f"ends after {len(record)} of a record's bytes")
    size, crc = HEAD.unpack_from(record)
    if size != entry.size:
        return Damage(entry.offset, Flaw.SIZE, f"{size} bytes, the index says {entry.size}")
    payload = record[HEAD_BYTES:]
    computed = zlib.crc32(payload)
    if computed != crc:
        return Damage(entry.offset, Flaw.CRC, f"checksum 0x{computed:08x}, the record says 0x{crc:08x}")
    return Record(entry.offset, 0, payload)


def read_large(data: StoreFile, entry: Entry) -> LargeRecord | Damage:
    """Check the record of an index entry without reading it into memory."""
    head = data.read(entry.offset, HEAD_BYTES)
    size, crc = HEAD.unpack(head) if len(head) == HEAD_BYTES else (-1, 0)
    if size != entry.size:
        return Damage(entry.offset, Flaw.SIZE, f"{size} bytes, the index says {entry.size}")
    return large_message(data, entry.offset, size, crc)
