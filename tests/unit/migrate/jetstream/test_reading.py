"""Reading a stream from a cluster in which a replica is behind; a real one is so for a moment only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from stanlocal.errors import JetStreamError
from stanlocal.migrate.jetstream.reading import read_stream

_NO_MESSAGE = 10037
_Take = Callable[[bytes, bytes, bytes, bytes], Awaitable[None] | None]


class _Cluster:
    """A leader, and the replicas that serve one consumer after the other, each with messages 1 to N."""

    connected = True

    def __init__(self, leader: int, replicas: list[int]) -> None:
        self.url = "nats://cluster"
        self.adapter = self
        self._leader = leader
        self._replicas = iter(replicas)
        self._take: _Take = lambda *_: None
        self.asked: list[str] = []

    def inbox(self) -> str:
        return "_INBOX.reader"

    async def subscribe_raw(self, subject: str, take: _Take) -> int:
        self._take = take
        return 1

    async def unsubscribe(self, subscription: int) -> None:
        self._take = lambda *_: None

    async def ask(self, subject: str, request: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self.asked.append(subject)
        if subject.startswith("STREAM.MSG.GET."):
            assert request is not None
            if request["seq"] > self._leader:
                raise JetStreamError("no message found", _NO_MESSAGE)
        if not subject.startswith("CONSUMER.CREATE."):
            return {}
        assert request is not None
        begin, has = request["config"]["opt_start_seq"], next(self._replicas)
        for count, sequence in enumerate(range(begin, has + 1), 1):
            reply = b"$JS.ACK.orders.reader.1.%d.%d.0.%d" % (sequence, count, has - sequence)
            self._take(b"orders", b"data", reply, b"")
        return {"name": "reader", "num_pending": max(0, has + 1 - begin), "delivered": {"consumer_seq": 0}}


async def _read(cluster: _Cluster, last: int) -> list[int]:
    read = read_stream(cluster, "orders", 1, last)  # type: ignore[arg-type]
    return [each.sequence async for batch in read for each in batch]


async def test_a_replica_without_messages_yet_is_not_the_end_of_the_stream() -> None:
    assert await _read(_Cluster(5, [0, 5]), last=5) == [1, 2, 3, 4, 5]


async def test_a_replica_with_a_part_of_the_messages_is_not_the_end_of_the_stream() -> None:
    assert await _read(_Cluster(5, [0, 2, 2, 4, 5]), last=5) == [1, 2, 3, 4, 5]


async def test_the_leader_says_where_the_messages_end() -> None:
    cluster = _Cluster(3, [3])
    assert await _read(cluster, last=9) == [1, 2, 3]
    assert cluster.asked.count("CONSUMER.CREATE.orders") == 1
