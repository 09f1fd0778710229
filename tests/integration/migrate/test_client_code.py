"""The table of client code in docs/jetstream.md: each STAN call and its JetStream call do the same.

Each row is a pair: what is observed of a real STAN server is what is observed of a real JetStream server.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import NoStreamResponseError

from stanlocal import stan
from tests.support.cli import ROOT
from tests.support.jetstream import JetStreamServer, running_jetstream
from tests.support.server import READY, StreamingServer, running

pytestmark = pytest.mark.server

STREAM = "orders_eu"
FIVE = [b"1", b"2", b"3", b"4", b"5"]
_QUIET_S = 0.5
"""Seconds without a message after which none is on its way."""


@dataclass(frozen=True)
class Stan:
    """A STAN server; each client has an id of its own."""

    url: str
    subject: str

    def connect(self, client_id: str = "app") -> Any:
        return stan.connect(self.url, cluster_id="test-cluster", client_id=client_id)

    async def fill(self, *messages: bytes) -> None:
        async with self.connect("publisher") as client:
            for message in messages:
                await client.publish(self.subject, message)


@dataclass(frozen=True)
class JetStream:
    """A JetStream server with a stream for the same subject."""

    client: Any
    subject: str

    @property
    def context(self) -> JetStreamContext:
        made: JetStreamContext = self.client.jetstream()
        return made

    async def fill(self, *messages: bytes) -> None:
        for message in messages:
            await self.context.publish(self.subject, message)


@pytest.fixture(scope="module")
def shared_stan(server_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreamingServer]:
    with running(server_binary, tmp_path_factory.mktemp("stan") / "store") as server:
        server.wait_for(READY)
        yield server


@pytest.fixture
def subject() -> str:
    """A name of the test's own: STAN deletes no channels."""
    return f"orders.{secrets.token_hex(4)}"


@pytest.fixture
def before(shared_stan: StreamingServer, subject: str) -> Stan:
    return Stan(f"nats://127.0.0.1:{shared_stan.client_port}", subject)


@pytest.fixture(scope="module")
def shared_jetstream(
    jetstream_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JetStreamServer]:
    with running_jetstream(jetstream_binary, tmp_path_factory.mktemp("js")) as server:
        yield server


@pytest.fixture
async def after(shared_jetstream: JetStreamServer, subject: str) -> AsyncIterator[JetStream]:
    client = await nats.connect(shared_jetstream.url)
    await client.jetstream().add_stream(name=STREAM, subjects=[subject])
    yield JetStream(client, subject)
    await client.jetstream().delete_stream(STREAM)
    await client.close()


async def _all(next_message: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Every message that comes until none has come for a while."""
    found = []
    while True:
        try:
            found.append(await asyncio.wait_for(next_message(), _QUIET_S))
        except (TimeoutError, NatsTimeout):
            return found


async def _five(queue: asyncio.Queue[bytes]) -> list[bytes]:
    """The first five messages of a callback."""
    async with asyncio.timeout(20):
        return [await queue.get() for _ in FIVE]


async def _stan_data(client: stan.Client, subject: str, **options: Any) -> list[bytes]:
    subscription = await client.subscribe(subject, **options)
    messages = aiter(subscription)
    return [message.data for message in await _all(lambda: anext(messages))]


async def _js_data(js: JetStreamContext, subject: str, config: ConsumerConfig) -> list[bytes]:
    subscription = await js.subscribe(subject, ordered_consumer=True, config=config)
    return [message.data for message in await _all(subscription.next_msg)]


ROWS: dict[str, Callable[[Stan, JetStream], Awaitable[None]]] = {}
"""The test of each row of the table, by the row's name."""


def row(name: str) -> Callable[[Callable[[Stan, JetStream], Awaitable[None]]], None]:
    def add(test: Callable[[Stan, JetStream], Awaitable[None]]) -> None:
        ROWS[name] = test

    return add


@row("publish, and know that it is stored")
async def _(before: Stan, after: JetStream) -> None:
    async with before.connect() as client:
        await client.publish(before.subject, b"1")
        stored = await _stan_data(client, before.subject, start=stan.DeliverAll())
    ack = await after.context.publish(after.subject, b"1")
    message = await after.context.get_msg(STREAM, ack.seq)
    assert stored == [message.data] == [b"1"]
    assert ack.seq == 1


@row("publish many, acknowledged later")
async def _(before: Stan, after: JetStream) -> None:
    payloads = [b"%d" % number for number in range(500)]
    async with before.connect() as client:
        for ack in [await client.publish_async(before.subject, each) for each in payloads]:
            await ack
        stored = await _stan_data(client, before.subject, start=stan.DeliverAll())
    js = after.context
    acks = [await js.publish_async(after.subject, each) for each in payloads]
    await js.publish_async_completed()
    assert [(await ack).seq for ack in acks] == list(range(1, 501))
    assert (
        stored
        == await _js_data(js, after.subject, ConsumerConfig(deliver_policy=DeliverPolicy.ALL))
        == payloads
    )


@row("new messages only")
async def _(before: Stan, after: JetStream) -> None:
    await before.fill(b"old")
    await after.fill(b"old")
    async with before.connect() as client:
        messages = aiter(await client.subscribe(before.subject))
        await before.fill(b"new")
        found = [message.data for message in await _all(lambda: anext(messages))]
    subscription = await after.context.subscribe(
        after.subject, ordered_consumer=True, config=ConsumerConfig(deliver_policy=DeliverPolicy.NEW)
    )
    await after.fill(b"new")
    assert found == [message.data for message in await _all(subscription.next_msg)] == [b"new"]


async def _same_start(
    before: Stan, after: JetStream, start: stan.StartPosition, config: ConsumerConfig
) -> list[bytes]:
    """What both deliver of five messages; the same."""
    async with before.connect() as client:
        found = await _stan_data(client, before.subject, start=start)
    assert found == await _js_data(after.context, after.subject, config)
    return found


@row("all messages from the first")
async def _(before: Stan, after: JetStream) -> None:
    await before.fill(*FIVE)
    await after.fill(*FIVE)
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    assert await _same_start(before, after, stan.DeliverAll(), config) == FIVE


@row("from the last message on")
async def _(before: Stan, after: JetStream) -> None:
    await before.fill(*FIVE)
    await after.fill(*FIVE)
    config = ConsumerConfig(deliver_policy=DeliverPolicy.LAST)
    assert await _same_start(before, after, stan.LastReceived(), config) == [b"5"]


@row("from a sequence on")
async def _(before: Stan, after: JetStream) -> None:
    await before.fill(*FIVE)
    await after.fill(*FIVE)
    config = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=4)
    assert await _same_start(before, after, stan.StartSequence(4), config) == [b"4", b"5"]


@row("from a time on")
async def _(before: Stan, after: JetStream) -> None:
    for side in (before, after):
        await side.fill(b"1", b"2")
    await asyncio.sleep(0.05)
    moment = datetime.now(UTC)
    await asyncio.sleep(0.05)
    for side in (before, after):
        await side.fill(b"3")
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_TIME,
        opt_start_time=moment.isoformat(),  # type: ignore[arg-type]
    )
    assert await _same_start(before, after, stan.StartTime(moment), config) == [b"3"]


@row("sequence and time of a message")
async def _(before: Stan, after: JetStream) -> None:
    began = time.time()
    await before.fill(*FIVE)
    await after.fill(*FIVE)
    async with before.connect() as client:
        messages = aiter(await client.subscribe(before.subject, start=stan.DeliverAll()))
        was = await _all(lambda: anext(messages))
    subscription = await after.context.subscribe(after.subject, ordered_consumer=True)
    now = await _all(subscription.next_msg)
    assert [message.sequence for message in was] == [message.metadata.sequence.stream for message in now]
    for moment in (*(message.time for message in was), *(message.metadata.timestamp for message in now)):
        assert began - 1 <= moment.timestamp() <= time.time() + 1


@row("acknowledge by hand")
async def _(before: Stan, after: JetStream) -> None:
    """What is not acknowledged comes again after the ack wait, and what is does not."""
    await before.fill(b"1", b"2")
    await after.fill(b"1", b"2")
    async with before.connect() as client:
        subscription = await client.subscribe(
            before.subject, start=stan.DeliverAll(), durable_name="dur", manual_ack=True, ack_wait=1
        )
        messages = aiter(subscription)
        await (await anext(messages)).ack()
        await anext(messages)
        again = await asyncio.wait_for(anext(messages), 10)
        was = (again.data, again.redelivered, again.redelivery_count)
    pull = await after.context.pull_subscribe(
        after.subject, durable="app_dur", config=ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=1)
    )
    first, _second = await pull.fetch(2, timeout=5)
    await first.ack()
    [repeated] = await pull.fetch(1, timeout=10)
    delivered = repeated.metadata.num_delivered
    assert was == (repeated.data, delivered > 1, delivered - 1) == (b"2", True, 1)


@row("acknowledge when the callback returns")
async def _(before: Stan, after: JetStream) -> None:
    """Both do so by default."""
    await before.fill(*FIVE)
    await after.fill(*FIVE)
    taken: asyncio.Queue[bytes] = asyncio.Queue()
    async with before.connect() as client:
        subscription = await client.subscribe(
            before.subject,
            lambda message: taken.put_nowait(message.data),
            start=stan.DeliverAll(),
            durable_name="dur",
        )
        was = await _five(taken)
        await subscription.close()
        rest = await _stan_data(client, before.subject, start=stan.DeliverAll(), durable_name="dur")
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def callback(message: Any) -> None:
        got.put_nowait(message.data)

    pushed = await after.context.subscribe(after.subject, durable="app_dur", cb=callback)
    assert was == await _five(got) == FIVE
    while (await pushed.consumer_info()).num_ack_pending:
        pass  # each look waits for the server's answer
    assert (rest, (await pushed.consumer_info()).num_pending) == ([], 0)


@row("messages in flight")
async def _(before: Stan, after: JetStream) -> None:
    """No more than these are delivered before one is acknowledged."""
    await before.fill(*FIVE)
    await after.fill(*FIVE)
    async with before.connect() as client:
        subscription = await client.subscribe(
            before.subject, start=stan.DeliverAll(), durable_name="dur", manual_ack=True, max_inflight=2
        )
        messages = aiter(subscription)
        was = await _all(lambda: anext(messages))
    pull = await after.context.pull_subscribe(
        after.subject,
        durable="app_dur",
        config=ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, max_ack_pending=2),
    )
    now = await pull.fetch(5, timeout=1)
    assert [message.data for message in was] == [message.data for message in now] == [b"1", b"2"]


@row("durable: go on where it stopped")
async def _(before: Stan, after: JetStream) -> None:
    await before.fill(*FIVE)
    await after.fill(*FIVE)
    js = after.context
    was, now = [], []
    for _ in range(2):
        async with before.connect() as client:
            messages = aiter(
                await client.subscribe(
                    before.subject,
                    start=stan.DeliverAll(),
                    durable_name="dur",
                    manual_ack=True,
                    max_inflight=1,
                )
            )
            for _ in range(2):
                message = await anext(messages)
                was.append(message.data)
                await message.ack()
        pull = await js.pull_subscribe(after.subject, durable="app_dur")
        for _ in range(2):
            [delivered] = await pull.fetch(1, timeout=5)
            now.append(delivered.data)
            await delivered.ack_sync()
        await pull.unsubscribe()
    assert was == now == FIVE[:4]


@row("end a subscription, and keep or forget the durable")
async def _(before: Stan, after: JetStream) -> None:
    await before.fill(*FIVE)
    await after.fill(*FIVE)
    js = after.context
    async with before.connect() as client:
        subscription = await client.subscribe(before.subject, start=stan.DeliverAll(), durable_name="dur")
        messages = aiter(subscription)
        await _all(lambda: anext(messages))
        await subscription.close()
        kept = await _stan_data(client, before.subject, start=stan.DeliverAll(), durable_name="dur")
    async with before.connect() as client:
        subscription = await client.subscribe(before.subject, start=stan.DeliverAll(), durable_name="dur")
        await subscription.unsubscribe()
        forgotten = await _stan_data(client, before.subject, start=stan.DeliverAll(), durable_name="dur")
    pull = await js.pull_subscribe(after.subject, durable="app_dur")
    for message in await pull.fetch(5, timeout=5):
        await message.ack_sync()
    await pull.unsubscribe()
    again = await js.pull_subscribe(after.subject, durable="app_dur")
    assert (kept, await _fetched(again)) == ([], [])
    await js.delete_consumer(STREAM, "app_dur")
    fresh = await js.pull_subscribe(after.subject, durable="app_dur")
    assert forgotten == await _fetched(fresh) == FIVE


async def _fetched(pull: JetStreamContext.PullSubscription) -> list[bytes]:
    try:
        return [message.data for message in await pull.fetch(5, timeout=1)]
    except (TimeoutError, NatsTimeout):
        return []


@row("queue group: members share the messages")
async def _(before: Stan, after: JetStream) -> None:
    """Each message goes to one member; a durable group goes on where its last member stopped."""
    taken: asyncio.Queue[bytes] = asyncio.Queue()
    async with before.connect("one") as one, before.connect("two") as two:
        for client in (one, two):
            await client.subscribe(
                before.subject,
                lambda message: taken.put_nowait(message.data),
                start=stan.DeliverAll(),
                durable_name="dur",
                queue_group="pool",
            )
        await before.fill(*FIVE)
        was = await _five(taken)
    await before.fill(b"later")
    async with before.connect("three") as three:
        later = await _stan_data(
            three, before.subject, start=stan.DeliverAll(), durable_name="dur", queue_group="pool"
        )
    js, now = after.context, []
    members = [await js.pull_subscribe(after.subject, durable="dur_pool") for _ in range(2)]
    await after.fill(*FIVE)
    for number in range(len(FIVE)):
        [message] = await members[number % 2].fetch(1, timeout=5)
        now.append(message.data)
        await message.ack_sync()
    for member in members:
        await member.unsubscribe()
    await after.fill(b"later")
    third = await js.pull_subscribe(after.subject, durable="dur_pool")
    assert sorted(was) == sorted(now) == FIVE
    assert later == await _fetched(third) == [b"later"]


@pytest.mark.parametrize("name", ROWS)
async def test_both_calls_of_a_row_do_the_same(name: str, before: Stan, after: JetStream) -> None:
    await ROWS[name](before, after)


def test_the_table_has_the_rows_that_are_tested() -> None:
    text = (ROOT / "docs" / "jetstream.md").read_text()
    table = text[text.index("| to do |") :].partition("\n\n")[0]
    named = re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)[2:]
    assert named == list(ROWS)


# The traps


async def test_publishing_needs_a_stream(after: JetStream, before: Stan) -> None:
    """STAN makes the channel; without a stream JetStream answers that no one listens, and stores nothing."""
    async with before.connect() as client:
        await client.publish("anything", b"1")
    with pytest.raises(NoStreamResponseError):
        await after.context.publish("anything", b"1")
    await after.client.publish("anything", b"1")  # core NATS: no error, and no message


async def test_a_fetched_message_is_never_acknowledged_by_itself(after: JetStream) -> None:
    await after.fill(b"1")
    config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=1)
    pull = await after.context.pull_subscribe(after.subject, durable="dur", config=config)
    await pull.fetch(1, timeout=5)
    [again] = await pull.fetch(1, timeout=10)
    assert again.metadata.num_delivered == 2


async def test_a_name_with_a_dot_is_no_consumers_name(after: JetStream) -> None:
    with pytest.raises(ValueError, match="invalid"):
        await after.context.pull_subscribe(after.subject, durable="app.dur")


async def test_one_client_id_may_connect_twice(after: JetStream, before: Stan) -> None:
    """STAN refuses the second; in JetStream both take messages of one consumer."""
    async with before.connect():
        with pytest.raises(stan.StanError, match="already registered"):
            async with before.connect():
                pass
    await after.fill(b"1", b"2")
    js = after.context
    one, two = [await js.pull_subscribe(after.subject, durable="app_dur") for _ in range(2)]
    found = [*(await one.fetch(1, timeout=5)), *(await two.fetch(1, timeout=5))]
    assert [message.data for message in found] == [b"1", b"2"]
