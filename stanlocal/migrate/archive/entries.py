"""The entries of a stream's archive, encoded. Pure.

An archive is ``NATSARC1``, the stream's state, one entry for each consumer, one for each message in the order
of sequences, and one empty entry, by which a reader recognizes a whole archive. An entry is::

    uvarint length of the name · zigzag varint time in ns · uvarint sequence
    uvarint length of the headers · uvarint length of the data · name · headers · data

(nats-server 2.15, server/archive/archive.go and server/stream_backup.go)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from stanlocal.store.format.bulk_messages import BulkMessage
from stanlocal.store.format.varints import varint_of, varints

MAGIC = b"NATSARC1"


def entry(name: str, data: bytes, *, time: int = 0, sequence: int = 0) -> bytes:
    """Encode one entry without headers; `time` in nanoseconds since the epoch."""
    encoded = name.encode()
    head = (len(encoded), _zigzag(time), sequence, 0, len(data))
    return b"".join(map(varint_of, head)) + encoded + data


def state_entry(state: Mapping[str, Any], time: int) -> bytes:
    """Encode the first entry, the stream's state."""
    return entry("state.json", _json(state), time=time)


def consumer_entry(name: str, config: Mapping[str, Any], state: Mapping[str, Any], time: int) -> bytes:
    """Encode a consumer with its configuration and state."""
    return entry(f"consumers/{name}", _json({"config": config, "state": state}), time=time)


def message_entries(subject: str, messages: Iterable[BulkMessage]) -> bytes:
    """Encode messages of one subject."""
    name = subject.encode()
    length = varint_of(len(name))
    sequences, times, contents = zip(*messages, strict=True)
    parts: list[bytes] = []
    for sequence, time, data in zip(varints(sequences), varints(map(_zigzag, times)), contents, strict=True):
        parts += (length, time, sequence, _sizes(len(data)), name, data)
    return b"".join(parts)


def _zigzag(value: int) -> int:
    """Map a signed 64-bit integer to an unsigned one, as Go's `binary.PutVarint` does."""
    return value << 1 if value >= 0 else -(value << 1) - 1


@lru_cache(maxsize=4096)
def _sizes(data: int) -> bytes:
    """Encode the lengths of no headers and of so much data."""
    return b"\0" + varint_of(data)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


END = entry("", b"")
"""The entry that ends an archive."""
