"""Reading a stream, also from a cluster in which a replica is behind; a real one is so for a moment only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from stanlocal.errors import JetStreamError
from stanlocal.migrate.comparison import Delivered
from stanlocal.migrate.jetstream.reading import _Consumer, read_stream
from stanlocal.stan.parser import DirectParser

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
        self.stats = {"in_msgs": 0, "in_bytes": 0}

    def inbox(self) -> str:
        return "_INBOX.reader"

    async def subscribe_raw(self, subject: str, take: _Take, run_reader: object) -> int:
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


_PLACES = {"": b"$JS.ACK.orders.reader.1", "with a domain": b"$JS.ACK.hub.ACCOUNT.orders.reader.1"}


@pytest.mark.parametrize("reply", _PLACES.values(), ids=_PLACES)
async def test_messages_read_together_are_as_those_read_alone(reply: bytes) -> None:
    end = b".token" if b"hub" in reply else b""
    sent = [
        b"MSG %b 1 %b.%d.%d.%d.%d%b %d\r\n%b\r\n"
        % (subject, reply, 2 * number, number, 7 * number, 9 - number, end, len(data), data)
        for number, (subject, data) in enumerate(
            [(b"a", b"1"), (b"a", b""), (b"a", b"MSG a 1 0\r\n"), (b"b", b"4"), (b"b", b"5"), (b"a", b"6")], 1
        )
    ]
    together, alone = await _parsed([b"".join(sent)], 6), await _parsed(sent, 6)
    assert together == alone
    assert [(each.sequence, each.time, each.subject) for each in together] == [
        (2 * number, 7 * number, subject)
        for number, subject in enumerate([b"a", b"a", b"a", b"b", b"b", b"a"], 1)
    ]


@pytest.mark.parametrize("missing", [1, 2, 3])
async def test_a_gap_between_messages_read_together_ends_the_consumer(missing: int) -> None:
    sent = [
        b"MSG a 1 $JS.ACK.orders.reader.1.%d.%d.7.9 1\r\nx\r\n" % (n, n) for n in range(1, 6) if n != missing
    ]
    assert [each.sequence for each in await _parsed([b"".join(sent)], 6)] == list(range(1, missing))


async def _parsed(reads: list[bytes], count: int) -> list[Delivered]:
    """Return what a consumer has of these reads, before it has to be made again."""
    consumer = _Consumer(_Cluster(0, []), "orders")  # type: ignore[arg-type]
    parser = DirectParser(_Cluster(0, []))  # type: ignore[arg-type]
    parser.attach(
        1, lambda subject, data, reply, _: consumer._take(subject, data, reply, b""), consumer._take_run
    )
    for read in reads:
        await parser.parse(read)
    assert consumer._broken == (len(consumer._arrived) < count)
    return consumer._arrived
