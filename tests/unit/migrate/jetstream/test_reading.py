"""Reading a stream, also from a cluster in which a replica is behind; a real one is so for a moment only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from stanlocal.errors import JetStreamError
from stanlocal.migrate.comparison import Delivered
from stanlocal.migrate.jetstream import reading
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

    @property
    def client(self) -> _Cluster:
        return self

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


class _Cut(_Cluster):
    """A server whose connection was cut for a moment: a consumer's messages behind some are lost.

    It sends idle heartbeats from then on, as a server does that knows of no cut. It has ten messages.
    """

    def __init__(self, arriving: list[int], heartbeat: bytes) -> None:
        super().__init__(10, [])
        self._arriving = iter(arriving)
        self._heartbeat = heartbeat
        self._beating: asyncio.Task[None] | None = None
        self.confirmed: list[str] = []

    async def ask(self, subject: str, request: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self.asked.append(subject)
        if subject.startswith("CONSUMER.CREATE."):
            assert request is not None
            self._begin = request["config"]["opt_start_seq"]
            self._beating = asyncio.create_task(self._beat())
            self._send(1, next(self._arriving))
        elif self._beating is not None:
            self._beating.cancel()
            raise JetStreamError("consumer not found", 10014)
        return {"name": "reader", "num_pending": 1}

    def _send(self, first: int, last: int) -> None:
        """Send messages by their consumer's count."""
        for number in range(first, last + 1):
            sequence = self._begin + number - 1
            reply = b"$JS.ACK.orders.reader.1.%d.%d.0.%d" % (sequence, number, 10 - sequence)
            self._take(b"orders", b"data", reply, b"")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            self._take(b"_INBOX.reader", b"", b"", b"NATS/1.0 100 Idle Heartbeat\r\n" + self._heartbeat)

    async def publish(self, subject: str) -> None:
        """Take a confirmation: what follows is sent."""
        self.confirmed.append(subject)
        self._send(4, 10)


async def _read_soon(cluster: _Cluster) -> list[int]:
    async with asyncio.timeout(5):
        return await _read(cluster, last=10)


async def test_a_lost_tail_is_read_again_though_heartbeats_go_on() -> None:
    cluster = _Cut([3, 7], b"Nats-Last-Consumer: 10\r\nNats-Last-Stream: 10\r\n\r\n")
    assert await _read_soon(cluster) == list(range(1, 11))
    assert cluster.asked.count("CONSUMER.CREATE.orders") == 2


async def test_a_lost_request_for_a_confirmation_is_answered_at_the_next_heartbeat() -> None:
    cluster = _Cut([3], b"Nats-Last-Consumer: 3\r\nNats-Consumer-Stalled: $JS.FC.orders.x.1\r\n\r\n")
    assert await _read_soon(cluster) == list(range(1, 11))
    assert cluster.confirmed == ["$JS.FC.orders.x.1"]


async def test_heartbeats_alone_are_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_SILENCE_S", 0.1)
    cluster = _Cut([3, 7], b"Nats-Last-Consumer: 3\r\nNats-Last-Stream: 3\r\n\r\n")
    assert await _read_soon(cluster) == list(range(1, 11))


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
