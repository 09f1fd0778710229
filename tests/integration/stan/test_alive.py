"""Heartbeats, pings, being replaced, being forgotten, and the end of a client."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from urllib.parse import urlsplit

import nats
import pytest

from stanlocal import stan
from stanlocal.stan import errors
from stanlocal.stan._pb import stan_pb2 as pb
from tests.integration.stan.conftest import Connect
from tests.integration.stan.fake_stan import FakeStan, fake_stan
from tests.integration.stan.ft_processes import Group
from tests.integration.stan.helpers import Inbox, fill, no_task_left
from tests.integration.stan.proxy import Proxy

pytestmark = pytest.mark.server


class Lost:
    """A connection lost callback that keeps its calls."""

    def __init__(self) -> None:
        self.reasons: list[errors.StanError] = []
        self._told = asyncio.Event()

    async def __call__(self, client: stan.Client, reason: errors.StanError) -> None:
        assert client.is_closed
        self.reasons.append(reason)
        self._told.set()

    async def wait(self, timeout: float = 10) -> errors.StanError:
        async with asyncio.timeout(timeout):
            await self._told.wait()
        return self.reasons[-1]


@pytest.fixture
async def fake(group: Group, client_id: str) -> AsyncIterator[FakeStan]:
    """A server of the test's own making."""
    async with fake_stan(group.urls[0], f"fake-{client_id}") as server:
        yield server


@pytest.mark.parametrize("options", [{"ping_interval": 0}, {"ping_interval": -1}, {"ping_max_out": 1}])
async def test_impossible_ping_options_are_refused(options: dict[str, int]) -> None:
    """A ping interval below a second, or fewer than two pings out, is refused before anything is sent."""
    with pytest.raises(errors.InvalidOption, match="ping_"):
        await stan.connect("nats://127.0.0.1:1", cluster_id="c", client_id="me", **options)  # type: ignore[arg-type]


async def test_unanswered_pings_lose_the_client_once(fake: FakeStan, connect: Connect) -> None:
    """Too many pings without an answer: the callback is called once, and every waiting call ends."""
    fake.answers["ping"] = fake.answers["pub"] = lambda _: None
    lost = Lost()
    client = await connect(
        cluster_id=fake.cluster_id,
        ping_interval=1,
        ping_max_out=2,
        on_connection_lost=lost,
        max_pub_acks_inflight=1,
    )
    subscription = await client.subscribe("foo")
    waiting = asyncio.ensure_future(anext(subscription))
    unanswered = await client.publish_async("foo", b"x")
    blocked = asyncio.ensure_future(client.publish_async("foo", b"y"))
    reason = await lost.wait()
    assert isinstance(reason, errors.ConnectionLost)
    assert "3 pings in a row" in str(reason)
    for pending in (waiting, unanswered, blocked):
        with pytest.raises(errors.ConnectionLost):
            await pending
    with pytest.raises(errors.ConnectionLost):
        await client.subscribe("foo")
    await client.close()
    assert lost.reasons == [reason]


@pytest.mark.slow
async def test_answered_pings_keep_the_client(connect: Connect, channel: str) -> None:
    """A real server answers pings: a client with the shortest interval stays alive past its limit."""
    lost = Lost()
    client = await connect(ping_interval=1, ping_max_out=2, on_connection_lost=lost)
    await asyncio.sleep(3.3)  # the limit is time: more than three intervals
    await client.publish(channel, b"x")
    assert not lost.reasons


async def test_ping_refusal_loses_the_client_with_the_servers_words(fake: FakeStan, connect: Connect) -> None:
    """A ping that is answered with an error loses the client at once, whatever the limit."""
    fake.answers["ping"] = lambda _: pb.PingResponse(
        error="client has been replaced or is no longer registered"
    ).SerializeToString()
    lost = Lost()
    client = await connect(cluster_id=fake.cluster_id, ping_interval=1, on_connection_lost=lost)
    reason = await lost.wait()
    assert "client has been replaced" in str(reason)
    assert isinstance(reason.__cause__, errors.ClientReplaced)
    with pytest.raises(errors.ConnectionLost):
        await client.publish("foo", b"x")


async def test_replaced_client_may_not_publish(
    group: Group, connect: Connect, client_id: str, channel: str
) -> None:
    """When a silent client was replaced by another with its id, its publishes are refused."""
    connection = await nats.connect(group.urls[0])
    first = await connect(client_id=client_id, nats=connection)
    heartbeats = connection._subs[1]  # without it the server takes the client for dead
    await heartbeats.unsubscribe()
    async with stan.connect(group.urls, cluster_id=group.cluster_id, client_id=client_id) as second:
        await second.publish(channel, b"x")
        ack = await first.publish_async(channel, b"x")
        with pytest.raises(errors.InvalidPublishRequest, match="connect again"):
            await ack
    await connection.close()


async def test_server_heartbeats_are_answered(make_group: Callable[..., Group], connect: Connect) -> None:
    """A server that asks often keeps a client that does nothing, also while its callback is slow."""
    group = make_group(
        nodes=1, ft=False, streaming='hb_interval: "50ms", hb_timeout: "50ms", hb_fail_count: 2'
    )
    await asyncio.to_thread(group.start)
    client = await connect(group.urls)
    started = asyncio.Event()

    async def slow(message: stan.Message) -> None:
        started.set()
        await asyncio.sleep(0.8)

    await client.subscribe("foo", slow)
    await client.publish("foo", b"x")
    await started.wait()
    await asyncio.sleep(0.6)  # a dozen heartbeats: time is what is tested
    clients = await asyncio.to_thread(_clients, group.monitor_ports[0])
    assert clients == [client.client_id]


def _clients(monitor_port: int) -> list[str]:
    with closing(urllib.request.urlopen(f"http://127.0.0.1:{monitor_port}/streaming/clientsz")) as reply:
        return [each["id"] for each in json.load(reply)["clients"]]


async def test_client_that_lost_its_data_is_lost_by_default(
    make_group: Callable[..., Group], connect: Connect
) -> None:
    """A server restarted without its data does not know the client: it is lost, with the reason."""
    group = make_group(nodes=1, ft=False, streaming='store: "MEMORY"')
    await asyncio.to_thread(group.start)
    lost = Lost()
    client = await connect(group.urls, on_connection_lost=lost, retry=True)
    await client.publish("foo", b"x")
    await asyncio.to_thread(group.nodes[0].kill)
    await asyncio.to_thread(group.start)
    reason = await lost.wait()
    assert "no longer registered" in str(reason)


async def test_reconnect_goes_on_by_itself(make_group: Callable[..., Group], connect: Connect) -> None:
    """With `reconnect`, a client that the server forgot registers again, and its subscriptions go on."""
    group = make_group(nodes=1, ft=False, streaming='store: "MEMORY"')
    await asyncio.to_thread(group.start)
    lost = Lost()
    client = await connect(group.urls, on_connection_lost=lost, retry=True, reconnect=True)
    inbox = Inbox()
    await client.subscribe("foo", inbox)
    await client.publish("foo", b"before")
    await inbox.wait(1)
    await asyncio.to_thread(group.nodes[0].kill)
    publishing = asyncio.ensure_future(client.publish("foo", b"meanwhile"))
    await asyncio.to_thread(group.start)
    await publishing
    await client.publish("foo", b"after")
    await inbox.until(lambda: b"after" in inbox.payloads)
    assert not lost.reasons


async def test_reconnect_resumes_after_the_last_processed_message(
    make_group: Callable[..., Group], connect: Connect
) -> None:
    """A client that the server gave up resumes with the first message it has not processed."""
    group = make_group(
        nodes=1, ft=False, streaming='hb_interval: "50ms", hb_timeout: "50ms", hb_fail_count: 1'
    )
    await asyncio.to_thread(group.start)
    client = await connect(group.urls, reconnect=True, ping_interval=1)
    inbox = Inbox()
    await client.subscribe("foo", inbox, start=stan.DeliverAll())
    publisher = await connect(group.urls)
    await fill(publisher, "foo", 3)
    await inbox.wait(3)
    node = group.nodes[0]
    assert client.nats is not None
    client.nats._transport._io_writer.transport.pause_reading()  # type: ignore[union-attr]
    await asyncio.to_thread(node.wait_for, f"[Client:{client.client_id}] Timed out on heartbeats")
    await fill(publisher, "foo", 3, first=4)
    client.nats._transport._io_writer.transport.resume_reading()  # type: ignore[union-attr]
    await inbox.wait(6)
    await fill(publisher, "foo", 1, first=7)
    await inbox.wait(7)
    assert inbox.sequences == [1, 2, 3, 4, 5, 6, 7]


async def test_replaced_client_does_not_fight_for_its_id(fake: FakeStan, connect: Connect) -> None:
    """With `reconnect`, a client whose id is taken by a living one is lost instead of pushing it out."""
    lost = Lost()
    await connect(cluster_id=fake.cluster_id, ping_interval=1, reconnect=True, on_connection_lost=lost)
    fake.answers["connect"] = lambda _: pb.ConnectResponse(
        error="stan: clientID already registered"
    ).SerializeToString()
    fake.answers["ping"] = lambda _: pb.PingResponse(
        error="client has been replaced or is no longer registered"
    ).SerializeToString()
    assert isinstance((await lost.wait()).__cause__, errors.ClientIDInUse)


async def test_nats_that_closes_for_good_loses_the_client(connect: Connect, group: Group) -> None:
    """When the caller closes the NATS connection below a client, the client is lost."""
    connection = await nats.connect(group.urls[0])
    lost = Lost()
    client = await connect(nats=connection, on_connection_lost=lost)
    await connection.close()
    assert "NATS closed it" in str(await lost.wait())
    with pytest.raises(errors.ConnectionLost):
        await client.publish("foo", b"x")


async def test_everything_fails_after_close(client: stan.Client, channel: str) -> None:
    """A closed client refuses everything with `ConnectionClosed`; closing again does nothing."""
    subscription = await client.subscribe(channel)
    await client.close()
    with pytest.raises(errors.ConnectionClosed):
        await client.publish(channel, b"x")
    with pytest.raises(errors.ConnectionClosed):
        await client.publish_async(channel, b"x")
    with pytest.raises(errors.ConnectionClosed):
        await client.subscribe(channel)
    with pytest.raises(errors.SubscriptionClosed):
        await subscription.close()
    await client.close()


async def test_close_waits_for_outstanding_acks(connect: Connect, channel: str) -> None:
    """Messages published before `close` have their acks after it."""
    client = await connect()
    acks = [await client.publish_async(channel, b"x") for _ in range(500)]
    await client.close()
    assert all(ack.done() and ack.result() for ack in acks)


async def test_lost_callback_is_not_called_on_close(connect: Connect, fake: FakeStan) -> None:
    """The owner's own `close` is no loss."""
    lost = Lost()
    client = await connect(cluster_id=fake.cluster_id, on_connection_lost=lost)
    async with no_task_left():
        await client.close()
    assert not lost.reasons


async def test_concurrent_closes_all_return(client: stan.Client, channel: str) -> None:
    """Closing the client from several tasks, with subscriptions closing and acks coming, ends them all."""
    subscriptions = [await client.subscribe(channel, Inbox()) for _ in range(3)]
    acks = [await client.publish_async(channel, b"x") for _ in range(50)]
    outcomes = await asyncio.gather(
        client.close(),
        client.close(),
        *(each.close() for each in subscriptions),
        *acks,
        return_exceptions=True,
    )
    assert outcomes[:2] == [None, None]
    for outcome in outcomes[2:]:
        assert outcome is None or isinstance(
            outcome, str | errors.SubscriptionClosed | errors.ConnectionClosed
        )


async def test_close_without_an_answer(fake: FakeStan, connect: Connect) -> None:
    """`CloseTimeout` after `request_timeout`, and the client is closed none the less."""
    fake.answers["close"] = lambda _: None
    client = await connect(cluster_id=fake.cluster_id, request_timeout=1)
    with pytest.raises(errors.CloseTimeout, match="no answer within"):
        await client.close()
    assert client.is_closed
    await client.close()


async def test_close_can_be_retried_if_asked_for(fake: FakeStan, connect: Connect) -> None:
    """With `allow_close_retry` a close that failed leaves the client open for another."""
    good = fake.answers["close"]
    fake.answers["close"] = lambda _: None
    client = await connect(cluster_id=fake.cluster_id, request_timeout=1, allow_close_retry=True)
    with pytest.raises(errors.CloseTimeout):
        await client.close()
    assert not client.is_closed
    await client.publish("foo", b"x")
    fake.answers["close"] = good
    await client.close()
    assert client.is_closed
    assert len(fake.seen["close"]) == 2


@pytest.mark.parametrize(
    "answer",
    [pb.CloseResponse(), pb.CloseResponse(error="stan: unknown clientID")],
    ids=["new", "done before"],
)
async def test_a_goodbye_that_is_cut_off_is_said_again(
    fake: FakeStan, connect: Connect, answer: pb.CloseResponse
) -> None:
    """The connection drops while the client closes: it says goodbye over the next one, done before or not."""
    client = await connect(cluster_id=fake.cluster_id)

    def drop(_: bytes) -> None:
        fake.answers["close"] = lambda _: answer.SerializeToString()
        client._connection.link._adapter.abort()

    fake.answers["close"] = drop
    await client.close()
    assert client.is_closed
    assert len(fake.seen["close"]) == 2


async def test_a_close_in_a_move_that_does_not_end_is_logged(
    fake: FakeStan, group: Group, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that is between two servers closes all the same; what stays at the server is logged."""
    target = urlsplit(group.urls[0]).port
    assert target is not None
    async with Proxy(target) as way:
        urls = [f"nats://{host}:{way.port}" for host in ("127.0.0.1", "localhost")]
        client = await connect(urls, cluster_id=fake.cluster_id, request_timeout=1)
        client._connection.link.move_to(urls[1])
        await way.cut()
        await client.close()
    assert client.is_closed
    assert "until it misses its heartbeats" in caplog.text
    assert not fake.seen.get("close")


async def test_each_kind_of_request_has_a_timeout_error(fake: FakeStan, connect: Connect) -> None:
    """Each kind of request has a time-out error of its own; a subscription is taken back by its inbox."""
    for name in ("sub", "unsub", "subclose"):
        fake.answers[f"good-{name}"] = fake.answers[name]
        fake.answers[name] = lambda _: None
    client = await connect(cluster_id=fake.cluster_id, request_timeout=1)
    with pytest.raises(errors.SubscribeTimeout):
        await client.subscribe("foo")
    fake.answers["sub"] = fake.answers["good-sub"]
    subscription = await client.subscribe("foo")
    asked = pb.SubscriptionRequest.FromString(fake.seen["sub"][0])
    taken_back = pb.UnsubscribeRequest.FromString(fake.seen["subclose"][0])
    assert (taken_back.inbox, taken_back.subject) == (asked.inbox, "foo")
    with pytest.raises(errors.CloseTimeout):
        await subscription.close()
    with pytest.raises(errors.UnsubscribeTimeout):
        await subscription.unsubscribe()
    fake.answers["subclose"] = fake.answers["good-subclose"]
    await subscription.close()
    assert not subscription.is_open


async def test_connect_without_an_answer(fake: FakeStan, connect: Connect) -> None:
    """A connect request that no one answers is `ConnectTimeout`."""
    fake.answers["connect"] = lambda _: None
    with pytest.raises(errors.ConnectTimeout, match="cluster id"):
        await connect(cluster_id=fake.cluster_id, request_timeout=0.1)


@pytest.mark.parametrize(
    "answer", [b"", b"\xff\xff", b"hello", pb.ConnectResponse(pub_prefix="x").SerializeToString()]
)
async def test_garbage_for_a_connect_response(fake: FakeStan, connect: Connect, answer: bytes) -> None:
    """An answer to the connect request that is none is one `BadReply`, with nothing left open."""
    fake.answers["connect"] = lambda _: answer
    async with no_task_left():
        with pytest.raises(errors.BadReply):
            await connect(cluster_id=fake.cluster_id)


async def test_garbage_for_a_message_is_passed_over(
    fake: FakeStan, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Bytes on a subscription's inbox that are no message are logged, kept as last error, and passed over."""
    client = await connect(cluster_id=fake.cluster_id)
    inbox = Inbox()
    subscription = await client.subscribe("foo", inbox)
    delivery = fake.subscriptions[0].inbox
    await fake.deliver(delivery, b"\xff\xff\xff\xff")
    await fake.deliver(delivery, pb.MsgProto(sequence=1, subject="foo", data=b"good").SerializeToString())
    (message,) = await inbox.wait(1)
    assert message.data == b"good"
    assert isinstance(subscription.last_error, errors.BadReply)
    assert "are not a MsgProto" in caplog.text


async def test_server_without_close_for_subscriptions(fake: FakeStan, connect: Connect) -> None:
    """With a server too old to close subscriptions, closing says so, and unsubscribing works."""

    def old(data: bytes) -> bytes:
        response = pb.ConnectResponse.FromString(fake.accept(data))
        response.sub_close_requests = ""
        return response.SerializeToString()

    fake.answers["connect"] = old
    client = await connect(cluster_id=fake.cluster_id)
    subscription = await client.subscribe("foo")
    with pytest.raises(errors.ServerError, match="too old"):
        await subscription.close()
    await subscription.unsubscribe()


async def test_server_without_pings(fake: FakeStan, connect: Connect) -> None:
    """A server that does not know pings is not pinged, and the client works."""
    fake.pings = False
    client = await connect(cluster_id=fake.cluster_id, ping_interval=1)
    await client.publish("foo", b"x")
    assert "ping" not in fake.seen


async def test_publish_refused_as_unknown_loses_the_client(fake: FakeStan, connect: Connect) -> None:
    """A publish refused because the server does not know the client shows that the client is lost."""
    refusal = pb.PubAck(guid="g", error="stan: invalid publish request").SerializeToString()
    fake.answers["pub"] = lambda _: refusal
    fake.answers["ping"] = lambda _: pb.PingResponse(
        error="client has been replaced or is no longer registered"
    ).SerializeToString()
    lost = Lost()
    client = await connect(cluster_id=fake.cluster_id, on_connection_lost=lost)
    with pytest.raises(errors.InvalidPublishRequest):
        await client.publish("foo", b"x")
    assert "no longer registered" in str(await lost.wait(2))


async def test_publish_refused_as_unknown_is_answered_with_that_where_the_client_registers_again(
    fake: FakeStan, connect: Connect
) -> None:
    """The refusal answers its message; those sent with it are interrupted, each once."""
    refusal = pb.PubAck(guid="g", error="stan: invalid publish request").SerializeToString()
    fake.answers["pub"] = lambda _: refusal
    client = await connect(cluster_id=fake.cluster_id, reconnect=True)
    acks = [await client.publish_async("foo", b"x") for _ in range(2)]
    first, second = await asyncio.gather(*acks, return_exceptions=True)
    assert isinstance(first, errors.InvalidPublishRequest)
    assert isinstance(second, errors.ConnectionInterrupted | errors.InvalidPublishRequest)


async def test_closing_does_not_wait_for_a_failover(
    make_group: Callable[..., Group], connect: Connect
) -> None:
    """With no server left, closing a client gives up after two seconds, also with `retry`."""
    group = make_group(nodes=1, ft=False)
    await asyncio.to_thread(group.start)
    client = await connect(group.urls, retry=True)
    await asyncio.to_thread(group.nodes[0].kill)
    begin = asyncio.get_running_loop().time()
    with pytest.raises(errors.StanError):
        await client.close()
    assert asyncio.get_running_loop().time() - begin < 3
    assert client.is_closed
