"""The end of a relay: a cancellation counts whenever it comes, and a channel that began again ends it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from stanlocal.errors import JetStreamError, RelayBlocked
from stanlocal.migrate.published import headers_of
from stanlocal.migrate.relay import relay as module
from stanlocal.migrate.relay.channel_relay import ChannelRelay, _Arrivals
from stanlocal.migrate.relay.relay import Relay
from stanlocal.migrate.relay.stream_writer import StreamWriter
from stanlocal.stan.message import Message
from stanlocal.util.timestamps import rfc3339_ns


class Lost:
    """A JetStream server that is lost when the test lets it be."""

    def __init__(self) -> None:
        self.is_lost = asyncio.Event()

    async def until_lost(self) -> None:
        await self.is_lost.wait()
        raise JetStreamError("the connection is lost")


class Slow:
    """A relay of a channel that takes its time to end."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.ending, self.may_end = asyncio.Event(), asyncio.Event()
        self._failure = failure

    async def follow(self, *_: object, **__: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ending.set()
            await self.may_end.wait()
            if self._failure is not None:
                raise self._failure


def relaying(monkeypatch: pytest.MonkeyPatch, server: Lost, channel: Slow) -> asyncio.Task[None]:
    """Start a relay of one channel."""

    @asynccontextmanager
    async def connected(*_: object) -> AsyncIterator[Any]:
        yield server

    async def find(self: Relay, *_: object) -> None:
        self._relays = {"orders": cast(Any, channel)}

    monkeypatch.setattr(module, "connected", connected)
    monkeypatch.setattr(Relay, "_find", find)
    return asyncio.create_task(Relay(cast(Any, connected), "nats://server:4222").run())


async def test_a_relay_that_is_cancelled_while_it_loses_its_connection_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, channel = Lost(), Slow()
    task = relaying(monkeypatch, server, channel)
    server.is_lost.set()
    await asyncio.wait_for(channel.ending.wait(), 60)
    task.cancel()
    channel.may_end.set()
    done, _ = await asyncio.wait([task], timeout=1)
    task.cancel()
    assert done, "it went on as if it had not been cancelled"
    assert task.cancelled()


async def test_a_defect_of_a_relay_that_ends_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    server, channel = Lost(), Slow(KeyError("x"))
    task = relaying(monkeypatch, server, channel)
    server.is_lost.set()
    channel.may_end.set()
    with pytest.raises(KeyError):
        await asyncio.wait_for(task, 60)


_SECOND = 10**9


class Stream:
    """A server with one stream at 51 to 100, of which the channel got each in the second of its sequence."""

    url = "nats://server:4222"
    max_payload = 1 << 20

    def __init__(self, *, published: bool) -> None:
        self.adapter = self
        self.times = {sequence: sequence * _SECOND for sequence in range(51, 101)}
        self._published = published
        self._take: Any = None

    def inbox(self) -> str:
        return "_INBOX.relay"

    async def subscribe_raw(self, subject: str, take: Any) -> int:
        self._take = take
        return 1

    async def unsubscribe(self, subscription: int) -> None:
        pass

    async def ask(self, subject: str, request: dict[str, Any]) -> dict[str, Any]:
        assert subject == "STREAM.MSG.GET.orders"
        sequence = request.get("seq", max(self.times))
        if sequence not in self.times:
            raise JetStreamError("no message found", 10037)
        time, headers = self.times[sequence], b""
        if self._published:
            headers = headers_of(sequence, time)
            time += 1000 * _SECOND
        parts = {"data": b"x", "hdrs": headers}
        encoded = {name: base64.b64encode(part).decode() for name, part in parts.items()}
        return {"message": {**encoded, "time": rfc3339_ns(time).rstrip("0Z") + "Z"}}

    def write(self, frames: bytes, count: int) -> None:
        """Take everything, and confirm it."""
        for _ in range(count):
            self.times[max(self.times) + 1] = (max(self.times) + 1) * _SECOND
        reply = frames.rsplit(b"HPUB", 1)[1].split(b" ")[2]
        self._take(reply, b'{"seq": %d}' % max(self.times), b"", b"")

    async def drain(self) -> None:
        pass


class Channel:
    """The relay's subscription."""

    channel = "orders"

    def __init__(self) -> None:
        self.acknowledged: list[int] = []

    async def ack(self, message: Message) -> None:
        self.acknowledged.append(message.sequence)


async def delivered(stream: Stream, channel: Channel, *batches: list[tuple[int, int]]) -> None:
    """Have the relay handle batches of deliveries: sequences, and the seconds of their publishing."""
    relay = ChannelRelay("orders", "orders", lambda line: None)
    async with StreamWriter(cast(Any, stream), "orders", "orders", 100) as writer:
        await writer.begin()
        arrivals = _Arrivals()
        pumping = asyncio.create_task(relay._pump(arrivals, writer, 104))
        for batch in batches:
            for sequence, second in batch:
                arrivals.take(Message(channel, sequence, b"x", second * _SECOND, False, 0))
            await asyncio.sleep(0.05)
        async with asyncio.timeout(10):
            await pumping


_BATCHES = {
    "that the stream has dropped": [[(1, 200), (2, 201)]],
    "that the stream has": [[(60, 200)]],
    "that were relayed just now": [[(101, 101), (102, 102)], [(101, 200)]],
    "that come together with others": [[(101, 101), (102, 102), (1, 200)]],
}


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("batches", _BATCHES.values(), ids=_BATCHES)
async def test_a_channel_that_began_again_is_not_acknowledged_under_sequences(
    batches: list[list[tuple[int, int]]], published: bool
) -> None:
    channel = Channel()
    with pytest.raises(RelayBlocked, match=r"channel orders began again: stream orders is at 10"):
        await delivered(Stream(published=published), channel, *batches)
    assert channel.acknowledged == [sequence for sequence, _ in batches[0] if len(batches) > 1]


async def test_another_message_under_a_sequence_that_came_just_before_is_not_acknowledged() -> None:
    channel = Channel()
    await delivered(Stream(published=True), channel, [(101, 101), (101, 200)])
    assert channel.acknowledged == [101]


@pytest.mark.parametrize("published", [True, False])
async def test_repeats_are_acknowledged_also_where_clocks_differ(published: bool) -> None:
    stream, channel = Stream(published=published), Channel()
    stream.times[99] = 150 * _SECOND  # of a node whose clock was ahead
    sent = [(99, 150), (1, 1), (101, 101), (101, 101), (102, 102), (103, 103), (104, 104)]
    await delivered(stream, channel, sent)
    assert channel.acknowledged == [sequence for sequence, _ in sent]
