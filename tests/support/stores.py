"""Stores as the server writes them, byte for byte, made without one."""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stanlocal.store.format.crc import INDEX_BYTES
from stanlocal.store.format.encryption import StoreKey

VERSION = struct.pack("<I", 1)
EPOCH = 1_700_000_000_000_000_000
"""Time at which the first message was published, in nanoseconds."""


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value) if value else b""


def data(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value if value else b""


def message(sequence: int, payload: bytes, channel: str = "orders", time: int | None = None) -> bytes:
    stamp = EPOCH + sequence * 1_000_000 if time is None else time
    return number(1, sequence) + data(2, channel.encode()) + data(4, payload) + number(5, stamp)


def record(payload: bytes, kind: int = 0) -> bytes:
    return struct.pack("<II", kind << 24 | len(payload), zlib.crc32(payload)) + payload


def index_record(sequence: int, offset: int, time: int, size: int) -> bytes:
    body = struct.pack("<QqqI", sequence, offset, time, size)
    return body + struct.pack("<I", zlib.crc32(body))


@dataclass
class Slice:
    """A slice in memory: what its two files hold, and where each message is."""

    data: bytearray = field(default_factory=lambda: bytearray(VERSION))
    index: bytearray = field(default_factory=lambda: bytearray(VERSION))
    offsets: list[int] = field(default_factory=list)

    def add(self, sequence: int, payload: bytes, channel: str = "orders") -> None:
        body = message(sequence, payload, channel)
        self.index += index_record(sequence, len(self.data), EPOCH + sequence * 1_000_000, len(body))
        self.offsets.append(len(self.data))
        self.data += record(body)

    def write(self, folder: Path, slice_number: int = 1) -> None:
        (folder / f"msgs.{slice_number}.dat").write_bytes(self.data)
        (folder / f"msgs.{slice_number}.idx").write_bytes(self.index)


def encrypted(key: str, channel: str, *payloads: bytes) -> list[bytes]:
    """Return what a server stores of messages with that key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher = AESGCM(StoreKey.of(key).channel(channel).key)
    return [b"\x01" + bytes(12) + cipher.encrypt(bytes(12), data, None) for data in payloads]


def slice_of(payloads: Iterable[bytes], first: int = 1, channel: str = "orders") -> Slice:
    made = Slice()
    for sequence, payload in enumerate(payloads, first):
        made.add(sequence, payload, channel)
    return made


def subscription(identity: int, durable: str = "", *, last_sent: int = 0) -> bytes:
    return (
        number(1, identity)
        + data(2, b"client")
        + data(4, b"_INBOX.a")
        + data(5, b"_INBOX.b")
        + number(6, 1024)
        + number(7, 30)
        + data(8, durable.encode())
        + number(9, last_sent)
        + number(10, bool(durable))
    )


def update(identity: int, sequence: int) -> bytes:
    return number(1, identity) + number(2, sequence)


def typed(records: Iterable[tuple[int, bytes]]) -> bytes:
    return VERSION + b"".join(record(payload, kind) for kind, payload in records)


def server_info(cluster_id: str) -> bytes:
    """The server's record."""
    subjects = ("discover", "pub", "sub", "unsub", "close", "subclose", "ack")
    named = enumerate((f"_STAN.{subject}.{cluster_id}" for subject in subjects), 2)
    return data(1, cluster_id.encode()) + b"".join(data(field, subject.encode()) for field, subject in named)


def make_store(
    store: Path,
    slices: Sequence[Slice] | None = None,
    *,
    channel: str = "orders",
    subs: Iterable[tuple[int, bytes]] = (),
    clients: Iterable[tuple[int, bytes]] = ((1, data(1, b"client") + data(2, b"_INBOX.hb")),),
) -> Path:
    """A sound store with one channel."""
    store.mkdir(parents=True, exist_ok=True)
    (store / "server.dat").write_bytes(VERSION + record(server_info("test-cluster")))
    (store / "clients.dat").write_bytes(typed(clients))
    folder = store / channel
    folder.mkdir()
    (folder / "subs.dat").write_bytes(typed(subs))
    for slice_number, each in enumerate(slices if slices is not None else [slice_of([b"x" * 20] * 50)], 1):
        each.write(folder, slice_number)
    return store


def index_offset(entry: int) -> int:
    """Return the offset of an entry in its index."""
    return len(VERSION) + entry * INDEX_BYTES


def deny_listing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make a folder one that may not be listed, for root as well."""
    listed = Path.iterdir

    def iterdir(path: Path) -> Iterable[Path]:
        if path == folder:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
