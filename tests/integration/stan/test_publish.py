"""Publishing to a real server, and to one that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from stanlocal import stan
from stanlocal.stan import errors
from stanlocal.stan._pb import stan_pb2 as pb
from tests.integration.stan.conftest import Connect
from tests.integration.stan.fake_stan import FakeStan, fake_stan
from tests.integration.stan.ft_processes import Group
from tests.integration.stan.helpers import Inbox, eventually, fill, no_task_left

pytestmark = pytest.mark.server


@pytest.fixture
async def fake(group: Group, client_id: str) -> AsyncIterator[FakeStan]:
    """A server of the test's own making."""
    async with fake_stan(group.urls[0], f"fake-{client_id}") as server:
        yield server


async def test_publish_returns_the_guid_of_the_stored_message(client: stan.Client, channel: str) -> None:
    """Each message has a guid of its own, and is there once `publish` returns."""
    guids = [await client.publish(channel, b"%d" % number) for number in range(3)]
    assert len(set(guids)) == 3
    inbox = Inbox()
    await client.subscribe(channel, inbox, start=stan.DeliverAll())
    await inbox.wait(3)
    assert inbox.payloads == [b"0", b"1", b"2"]


async def test_publish_async_gives_an_ack_whose_guid_is_the_result(client: stan.Client, channel: str) -> None:
    """The awaitable's result is its `guid`; until then it is not done."""
    ack = await client.publish_async(channel, b"x")
    assert not ack.done()
    assert await ack == ack.guid


async def test_messages_are_stored_in_the_order_of_the_calls(client: stan.Client, channel: str) -> None:
    """A thousand asynchronous publishes keep their order, at the server too."""
    await fill(client, channel, 1000)
    inbox = Inbox()
    await client.subscribe(channel, inbox, start=stan.DeliverAll())
    await inbox.wait(1000)
    assert inbox.payloads == [b"%d" % number for number in range(1, 1001)]
    assert inbox.sequences == list(range(1, 1001))


@pytest.mark.parametrize("payload", [b"", b"\x00\xff\r\n", b"PUB x 1\r\n", bytes(range(256)) * 100])
async def test_payload_is_kept_byte_for_byte(client: stan.Client, channel: str, payload: bytes) -> None:
    """Any bytes come back as they were: none, line ends, what looks like NATS's own, many."""
    await client.publish(channel, payload)
    inbox = Inbox()
    await client.subscribe(channel, inbox, start=stan.DeliverAll())
    (message,) = await inbox.wait(1)
    assert message.data == payload


async def test_both_ids_are_in_each_message(fake: FakeStan, connect: Connect, client_id: str) -> None:
    """Client id and connection id go with each publish, so that a replaced client is refused."""
    client = await connect(cluster_id=fake.cluster_id, client_id=client_id)
    await client.publish("foo", b"x")
    (message,) = fake.published
    assert message.client_id == client_id
    assert message.conn_id == fake.connects[0].conn_id != b""
    assert message.subject == "foo"


@pytest.mark.parametrize(
    "name", ["", "a b", "a.*", "a.>", ".a", "a.", "a..b", "a/b", "a\tb", "a\r\nPUB x 0\r\n"]
)
async def test_invalid_channels_are_refused_before_anything_is_sent(client: stan.Client, name: str) -> None:
    """Wildcards, spaces, empty tokens, line ends: `InvalidName` at once, and the client goes on."""
    with pytest.raises(errors.InvalidName, match="invalid channel"):
        await client.publish(name, b"x")
    assert client.unacknowledged == 0


async def test_payload_over_the_servers_maximum_is_refused(client: stan.Client, channel: str) -> None:
    """More than the server takes is refused with both sizes, instead of costing the connection."""
    assert client.nats is not None
    limit = client.nats.max_payload
    with pytest.raises(errors.PayloadTooLarge, match=f"{limit}") as caught:
        await client.publish(channel, b"x" * limit)
    assert (caught.value.size, caught.value.limit) == (limit, limit)
    await client.publish(channel, b"x" * (limit - 200))


async def test_publish_without_an_ack_times_out(fake: FakeStan, connect: Connect) -> None:
    """No ack in time: `PublishTimeout`, for `publish`, for the awaitable, and with a time of one's own."""
    fake.answers["pub"] = lambda _: None
    client = await connect(cluster_id=fake.cluster_id, ack_timeout=0.2)
    with pytest.raises(errors.PublishTimeout, match=r"no ack within 0\.2 s"):
        await client.publish("foo", b"x")
    ack = await client.publish_async("foo", b"x", timeout=0.1)
    with pytest.raises(errors.PublishTimeout, match=r"no ack within 0\.1 s"):
        await ack
    assert client.unacknowledged == 0


async def test_late_and_double_acks_are_harmless(fake: FakeStan, connect: Connect) -> None:
    """An ack after its time-out, or a second one, changes nothing."""

    def twice(data: bytes) -> list[bytes]:
        return [pb.PubAck(guid=pb.PubMsg.FromString(data).guid).SerializeToString()] * 2

    fake.answers["pub"] = lambda _: None
    client = await connect(cluster_id=fake.cluster_id)
    with pytest.raises(errors.PublishTimeout):
        await client.publish("foo", b"late", timeout=0.1)
    fake.answers["pub"] = twice
    for _ in range(3):
        await client.publish("foo", b"x")
    await fake.deliver(*fake.replies[0])
    await client.publish("foo", b"x")


async def test_publish_async_waits_while_the_window_is_full(fake: FakeStan, connect: Connect) -> None:
    """With a window of two the third publish waits, and goes on with the first ack."""
    fake.answers["pub"] = lambda _: None
    client = await connect(
        cluster_id=fake.cluster_id, max_pub_acks_inflight=2, ack_timeout=0.3, request_timeout=1
    )
    first = await client.publish_async("foo", b"1")
    second = await client.publish_async("foo", b"2", timeout=5)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.publish_async("foo", b"3")
    third = asyncio.ensure_future(client.publish_async("foo", b"3"))
    with pytest.raises(errors.PublishTimeout):
        await first
    await third
    assert client.unacknowledged == 2
    second.cancel()
    with pytest.raises(errors.PublishTimeout):
        await (await third)


async def test_server_refusal_fails_only_its_own_message(
    make_group: Callable[..., Group], connect: Connect
) -> None:
    """With a limit on channels the next channel is refused by name; the others go on."""
    group = make_group(nodes=1, ft=False, streaming='store: "MEMORY"', limits="max_channels: 1")
    await asyncio.to_thread(group.start)
    client = await connect(group.urls)
    await client.publish("one", b"x")
    refused, stored = await asyncio.gather(
        client.publish("two", b"x"), client.publish("one", b"x"), return_exceptions=True
    )
    assert isinstance(refused, errors.TooManyChannels)
    assert refused.text == "too many channels"
    assert isinstance(stored, str)
    with pytest.raises(errors.TooManyChannels):
        await client.subscribe("three")


async def test_channel_that_differs_in_case_only_is_refused(client: stan.Client, channel: str) -> None:
    """The server keeps channels apart without case: the second spelling is refused by name."""
    await client.publish(channel, b"x")
    with pytest.raises(errors.ChannelCaseConflict, match="spelling"):
        await client.publish(channel.upper(), b"x")


async def test_no_active_server_is_reported_at_once(group: Group, connect: Connect) -> None:
    """When no server takes a message, that message fails within milliseconds, not after the ack time-out."""
    async with fake_stan(group.urls[0], "leaves") as server:
        client = await connect(cluster_id="leaves", request_timeout=1)
        await client.publish("foo", b"x")
        assert server.published
    begin = asyncio.get_running_loop().time()
    with pytest.raises(errors.NoActiveServer, match="not stored"):
        await client.publish("foo", b"x")
    assert asyncio.get_running_loop().time() - begin < 0.2
    with pytest.raises(errors.NoActiveServer):
        await client.close()


async def test_an_active_that_goes_silently_is_noticed(group: Group, connect: Connect) -> None:
    """A publish that the dying active took along fails in a fraction of a second, with its doubt said."""
    async with fake_stan(group.urls[0], "dies") as server:
        server.answers["pub"] = lambda _: None
        client = await connect(cluster_id="dies", request_timeout=1)
        ack = await client.publish_async("foo", b"x")
        await eventually(lambda: "pub" in server.seen)
    begin = asyncio.get_running_loop().time()
    with pytest.raises(errors.ConnectionInterrupted, match=r"active server went away.*may or may not"):
        await ack
    assert asyncio.get_running_loop().time() - begin < 1
    with pytest.raises(errors.NoActiveServer):
        await client.close()


async def test_garbage_for_an_ack_fails_that_message_alone(fake: FakeStan, connect: Connect) -> None:
    """Bytes that are no ack: one `BadReply`, for the message they came for; the client goes on."""
    answers: list[bytes | None] = [b"\xff\xff\xff", b"", pb.PubAck(guid="other").SerializeToString()]
    good = fake.answers["pub"]
    fake.answers["pub"] = lambda data: answers.pop(0) if answers else good(data)
    client = await connect(cluster_id=fake.cluster_id)
    for _ in range(3):
        with pytest.raises(errors.BadReply):
            await client.publish("foo", b"x")
    await client.publish("foo", b"x")


async def test_batch_returns_all_guids_and_reports_all_failures(fake: FakeStan, connect: Connect) -> None:
    """The batch helper waits for every answer; failures come as one group."""
    client = await connect(cluster_id=fake.cluster_id)
    guids = await client.publish_batch("foo", [b"1", b"2", b"3"])
    assert len(set(guids)) == 3
    refusal = pb.PubAck(guid="g", error="too many channels").SerializeToString()
    good = fake.answers["pub"]
    fake.answers["pub"] = lambda data: refusal if pb.PubMsg.FromString(data).data == b"bad" else good(data)
    with pytest.raises(ExceptionGroup) as caught:
        await client.publish_batch("foo", [b"good", b"bad", b"bad"])
    assert [type(error) for error in caught.value.exceptions] == [errors.TooManyChannels] * 2


async def test_cancelled_publishes_leave_a_usable_client(connect: Connect, channel: str) -> None:
    """Cancelled at any point, publishing frees its place in the window, and leaves no task."""
    client = await connect(max_pub_acks_inflight=1)
    await client.publish(channel, b"first")
    async with no_task_left():
        for turns in range(12):
            publishing = [asyncio.ensure_future(client.publish(channel, b"x")) for _ in range(3)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in publishing:
                task.cancel()
            await asyncio.gather(*publishing, return_exceptions=True)
        await client.publish(channel, b"last")
        assert client.unacknowledged == 0


async def test_a_lost_nats_connection_fails_what_is_unanswered(fake: FakeStan, connect: Connect) -> None:
    """Without `retry`, a publish in flight when NATS drops fails at once, with its doubt said."""
    fake.answers["pub"] = lambda _: None
    client = await connect(cluster_id=fake.cluster_id)
    ack = await client.publish_async("foo", b"x")
    assert client.nats is not None
    client.nats._transport._io_writer.transport.abort()  # type: ignore[union-attr]
    with pytest.raises(errors.ConnectionInterrupted, match="may or may not be stored"):
        await ack


@pytest.mark.parametrize("data", [b"x", bytearray(b"x"), memoryview(b"x")])
async def test_any_bytes_can_be_published(client: stan.Client, channel: str, data: bytes) -> None:
    """Bytes, bytearray and memoryview are published alike."""
    await client.publish(channel, data)
    subscription = await client.subscribe(channel, start=stan.DeliverAll())
    assert (await anext(subscription)).data == b"x"


async def test_text_must_be_encoded(client: stan.Client, channel: str) -> None:
    """A str is refused with a word on what to do, and holds no place in the window."""
    with pytest.raises(TypeError, match="encode"):
        await client.publish(channel, "text")  # type: ignore[arg-type]
    assert client.unacknowledged == 0
