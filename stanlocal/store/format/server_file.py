"""The cluster that a store belongs to, from its `server.dat`.

The file is one record, integers little-endian: version u32 = 1, size u32, CRC u32, then `size` bytes of
a protobuf message, ServerInfo (nats-streaming-server, stores/filestore.go).
"""

from __future__ import annotations

import struct

from stanlocal.store.format.wire import fields, text

MAX_BYTES = 64 << 10
"""Bytes read of a `server.dat`: more than its cluster id, seven subjects and node id ever take."""

_HEAD = struct.Struct("<III")


_FIELDS = (
    "cluster_id",
    "discovery",
    "publish",
    "subscribe",
    "unsubscribe",
    "close",
    "sub_close",
    "acks_subs",
    "node_id",
)
"""Names of the fields of ServerInfo, numbered from 1 (spb/protocol.proto)."""


def cluster_id(data: bytes) -> str | None:
    """Return the cluster id in the content of a `server.dat`; None for any other content."""
    return (server_info(data) or {}).get("cluster_id")


def server_info(data: bytes) -> dict[str, str] | None:
    """Return the cluster id and subjects in the content of a `server.dat`; None for any other content."""
    if len(data) < _HEAD.size:
        return None
    version, size, _ = _HEAD.unpack_from(data)
    if version != 1 or len(data) != _HEAD.size + size or len(data) > MAX_BYTES:
        return None
    try:
        return {
            _FIELDS[number - 1]: text(value)
            for number, value in fields(data[_HEAD.size :])
            if 1 <= number <= len(_FIELDS) and isinstance(value, bytes)
        }
    except ValueError:  # cut short, not protobuf, or not UTF-8
        return None
