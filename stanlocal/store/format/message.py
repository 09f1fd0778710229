"""A stored message, decoded (stan.go, pb/protocol.proto: MsgProto). Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from stanlocal.store.format.encryption import looks_encrypted
from stanlocal.store.format.wire import blob, fields, text, varint, whole

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as stored on disk."""

    sequence: int
    subject: str
    data: bytes
    timestamp: int
    """Time in nanoseconds since the epoch."""
    decrypted: bool = False
    """Whether `data` is what was published, as the store's key was there."""

    @property
    def may_be_encrypted(self) -> bool:
        """Whether the server may have encrypted the data, as it looks like that."""
        return not self.decrypted and looks_encrypted(self.data)

    def shown_data(self) -> tuple[str, str]:
        """Return the data's name in documents, and the data: text where it is UTF-8, else base64."""
        try:
            return "data", self.data.decode()
        except UnicodeDecodeError:
            return "data_base64", base64.b64encode(self.data).decode()

    def document(self) -> dict[str, Any]:
        """Return the JSON document of the message, as `sub` prints it."""
        name, shown = self.shown_data()
        document = {"channel": self.subject, "seq": self.sequence, name: shown, "timestamp": self.timestamp}
        return {**document, "maybe_encrypted": True} if self.may_be_encrypted else document


def decode(payload: bytes) -> StoredMessage:
    """Decode the message in a record; raises `ValueError` for anything else."""
    sequence, subject, data, timestamp = 0, "", b"", 0
    for number, value in fields(payload):
        match number:
            case 1:
                sequence = whole(value)
            case 2:
                subject = text(value)
            case 4:
                data = blob(value)
            case 5:
                timestamp = whole(value) - (1 << 64 if whole(value) >= 1 << 63 else 0)
    if sequence == 0:
        raise ValueError("it has no sequence")
    return StoredMessage(sequence, subject, data, timestamp)


def sequence_of(payload: bytes) -> int:
    """Decode only the sequence, which is written first; raises `ValueError` where it is not."""
    if payload[:1] != b"\x08":
        raise ValueError("it does not begin with a sequence")
    return varint(payload, 1)[0]


def time_of(timestamp: int) -> datetime:
    """Convert a stored time stamp (any 64-bit number) to UTC, with microseconds."""
    return _EPOCH + timedelta(microseconds=timestamp // 1000)


def sequence_columns(first: int, count: int) -> list[bytes] | None:
    """Return the leading bytes of `count` messages with consecutive sequences, column by column.

    Returns None when the last sequence takes more bytes than the first.
    """
    width = (first.bit_length() + 6) // 7
    last = first + count - 1
    if width == 0 or (last.bit_length() + 6) // 7 != width:
        return None
    columns = [b"\x08" * count, _cycle(first, count, 0x80 if width > 1 else 0)]
    for place in range(1, width):
        more = 0x80 if place < width - 1 else 0
        step, parts = 7 * place, []
        for block in range(first >> step, (last >> step) + 1):
            length = min(last + 1, (block + 1) << step) - max(first, block << step)
            parts.append(bytes((block & 0x7F | more,)) * length)
        columns.append(b"".join(parts))
    return columns


def _cycle(first: int, count: int, more: int) -> bytes:
    begin = first & 0x7F
    return (bytes(range(more, more + 128)) * ((begin + count + 127) // 128))[begin : begin + count]
