"""The cluster id of a store, from real and from broken files."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.store.format.server_file import MAX_BYTES, cluster_id

# The server.dat of a group with the cluster id `test-cluster`, as nats-streaming-server 0.25.6 wrote it.
RECORDED = bytes.fromhex(
    "01000000c4000000f42887ff0a0c746573742d636c7573746572121b5f5354414e2e646973636f7665722e746573742d636c75737465721a165f5354414e2e7075622e746573742d636c757374657222165f5354414e2e7375622e746573742d636c75737465722a185f5354414e2e756e7375622e746573742d636c757374657232185f5354414e2e636c6f73652e746573742d636c75737465723a1b5f5354414e2e737562636c6f73652e746573742d636c757374657242165f5354414e2e61636b2e746573742d636c7573746572"
)


def record(payload: bytes, *, version: int = 1, size: int | None = None) -> bytes:
    size = len(payload) if size is None else size
    return struct.pack("<III", version, size, zlib.crc32(payload)) + payload


def test_the_cluster_id_is_read_from_a_real_file() -> None:
    assert cluster_id(RECORDED) == "test-cluster"


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (b"\x0a\x01a", "a"),
        (b"\x0a\x00", ""),
        (b"\x12\x03a.b\x0a\x01a", "a"),  # fields in any order
        (b"\x18\x96\x01\x0a\x01a", "a"),  # unknown fields of every kind
        (b"\x19" + b"12345678" + b"\x0a\x01a", "a"),
        (b"\x1d" + b"1234" + b"\x0a\x01a", "a"),
        (b"", None),
        (b"\x12\x01a", None),  # no field 1
        (b"\x0a\x05a", None),  # cut short
        (b"\x0a", None),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xffa", None),
        (b"\x0a\x02\xff\xfe", None),  # not UTF-8
        (b"\x0b\x01a", None),  # no such wire type
        (b"\x19123", None),
    ],
)
def test_the_message_is_protobuf(payload: bytes, found: str | None) -> None:
    assert cluster_id(record(payload)) == found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01\x00\x00\x00",
        record(b"\x0a\x01a", version=2),
        record(b"\x0a\x01a", size=2),
        record(b"\x0a\x01a", size=4),
        record(b"\x0a\x01a", size=2**32 - 1),
        record(b"\x0a\x01a" + b"\x12\x00" * MAX_BYTES),
    ],
)
def test_a_file_of_another_shape_has_no_cluster_id(data: bytes) -> None:
    assert cluster_id(data) is None


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_without_an_error(data: bytes, framed: bool) -> None:
    found = cluster_id(record(data) if framed else data)
    assert found is None or found.encode() in data
