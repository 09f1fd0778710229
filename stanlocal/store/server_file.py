"""The cluster id that a store belongs to, from its `server.dat`.

The file is one record, integers little-endian: version u32 = 1, size u32, CRC u32, then `size` bytes of
a protobuf message whose field 1 is the cluster id (nats-streaming-server, stores/filestore.go). One
field does not need the protobuf runtime, so it is read by hand.
"""

from __future__ import annotations

import struct

MAX_BYTES = 64 << 10
"""More than any real one: it holds the cluster id, seven subjects made of it and a node id."""

_HEAD = struct.Struct("<III")
_CLUSTER_ID = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def cluster_id(data: bytes) -> str | None:
    """The cluster id in the content of a `server.dat`; None for what is none."""
    if len(data) < _HEAD.size:
        return None
    version, size, _ = _HEAD.unpack_from(data)
    if version != 1 or len(data) != _HEAD.size + size or len(data) > MAX_BYTES:
        return None
    try:
        return _field(data[_HEAD.size :], _CLUSTER_ID)
    except ValueError:  # cut short, not protobuf, or not UTF-8
        return None


def _field(message: bytes, wanted: int) -> str | None:
    """The first value of a string field; `ValueError` for what is no protobuf message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            _, at = _varint(message, at)
        elif kind == _BYTES:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
            if at > len(message):
                raise ValueError("cut short")
            if field == wanted:
                return value.decode()
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"no such wire type: {kind}")
    return None


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """An integer and where it ends."""
    value = 0
    for place, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return value, at + place + 1
    raise ValueError("cut short")
