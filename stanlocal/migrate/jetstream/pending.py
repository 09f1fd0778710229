"""The unacknowledged messages of a stream's consumers, one by one.

The API only counts them. A snapshot of the stream begins with the consumers and their states, so its first
pieces are read and the rest is declined. Servers in a cluster write no such sets into snapshots
(nats-server 2.15, server/stream_backup.go): there it stays with the count.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from stanlocal.errors import JetStreamError
from stanlocal.migrate.archive.entries import MAGIC
from stanlocal.migrate.archive.s2 import Decoder
from stanlocal.migrate.jetstream.connection import JetStream
from stanlocal.store.format.wire import varint

_TIMEOUT_S = 10.0
_PREFIX = b"consumers/"
_LARGEST = 256 << 20
"""Bytes of snapshot read at most; a million unacknowledged messages take some 60 MB."""


async def pending_of(server: JetStream, stream: str) -> dict[str, frozenset[int]] | None:
    """Return the unacknowledged sequences by consumer; None where the server does not tell them.

    Raises `JetStreamError`.
    """
    arrived: asyncio.Queue[tuple[bytes, bytes, bytes]] = asyncio.Queue()
    inbox = server.inbox()

    def take(subject: bytes, data: bytes, reply: bytes, headers: bytes) -> None:
        arrived.put_nowait((data, reply, headers))

    subscription = await server.adapter.subscribe_raw(inbox, take)
    try:
        await server.ask(f"STREAM.SNAPSHOT.{stream}", {"deliver_subject": inbox, "chunk_size": 128 * 1024})
        reader = _Consumers()
        while not reader.complete:
            async with asyncio.timeout(_TIMEOUT_S):
                data, reply, _ = await arrived.get()
            if not data:
                return None
            reader.feed(data)
            if reply:
                await server.adapter.client.publish(reply.decode())
    except TimeoutError as error:
        raise JetStreamError(
            f"{server.url} sent no snapshot of stream {stream} within {_TIMEOUT_S:g} s; look at its log"
        ) from error
    except ValueError:  # a snapshot in the format of an older server
        return None
    finally:
        await server.adapter.unsubscribe(subscription)
    return reader.found


class _Consumers:
    """The consumers at the beginning of an archive."""

    def __init__(self) -> None:
        self.found: dict[str, frozenset[int]] = {}
        self.complete = False
        self._decoder = Decoder()
        self._held = bytearray()
        self._begun = False

    def feed(self, piece: bytes) -> None:
        for content in self._decoder.feed(piece):
            self._held += content
        if not self._begun and len(self._held) >= len(MAGIC):
            if self._held[: len(MAGIC)] != MAGIC:
                raise ValueError("no archive")
            del self._held[: len(MAGIC)]
            self._begun = True
        if self._begun:
            for name, data in self._entries():
                self._entry(name, data)
        if len(self._held) > _LARGEST:
            raise ValueError("a consumer of more than is read")

    def _entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Cut off the whole entries; everything from the first message on is dropped."""
        while not self.complete:
            held = bytes(self._held[:60])
            try:
                name_size, at = varint(held, 0)
                _, at = varint(held, at)
                sequence, at = varint(held, at)
                head_size, at = varint(held, at)
                size, at = varint(held, at)
            except ValueError:
                if len(held) == 60:
                    raise
                return
            if sequence or not name_size:
                self.complete = True
                return
            end = at + name_size + head_size + size
            if len(self._held) < end:
                return
            yield bytes(self._held[at : at + name_size]), bytes(self._held[at + name_size + head_size : end])
            del self._held[:end]

    def _entry(self, name: bytes, data: bytes) -> None:
        if name.startswith(_PREFIX):
            state: dict[str, Any] = json.loads(data).get("state") or {}
            self.found[name.removeprefix(_PREFIX).decode()] = frozenset(map(int, state.get("pending") or {}))
