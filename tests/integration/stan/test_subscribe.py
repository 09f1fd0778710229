"""Subscriptions: where they begin, durables, queue groups, acknowledgements, redelivery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from stanlocal import stan
from stanlocal.stan import errors
from tests.integration.stan.conftest import Connect
from tests.integration.stan.ft_processes import Group
from tests.integration.stan.helpers import Inbox, fill, no_task_left

pytestmark = pytest.mark.server


async def received(client: stan.Client, channel: str, start: stan.StartPosition, count: int) -> list[int]:
    """The first sequences a new subscription gets, up to a message published after it."""
    inbox = Inbox()
    subscription = await client.subscribe(channel, inbox, start=start)
    await client.publish(channel, b"end")
    await inbox.until(lambda: b"end" in inbox.payloads)
    await subscription.close()
    return [message.sequence for message in inbox.messages if message.data != b"end"][:count]


async def test_new_only_is_the_default(client: stan.Client, channel: str) -> None:
    """Without a start position only messages that come later are delivered."""
    await fill(client, channel, 5)
    assert await received(client, channel, stan.NewOnly(), 9) == []


async def test_last_received_starts_with_the_last_message(client: stan.Client, channel: str) -> None:
    """The last message is delivered first."""
    await fill(client, channel, 5)
    assert await received(client, channel, stan.LastReceived(), 9) == [5]


async def test_deliver_all_starts_with_the_first_message(client: stan.Client, channel: str) -> None:
    """Every message the channel has is delivered, in order."""
    await fill(client, channel, 5)
    assert await received(client, channel, stan.DeliverAll(), 9) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("sequence", "expected"), [(0, [1, 2, 3]), (1, [1, 2, 3]), (3, [3]), (4, []), (9, [])]
)
async def test_start_sequence(client: stan.Client, channel: str, sequence: int, expected: list[int]) -> None:
    """A sequence is an exact start; zero means all, and one beyond the end new messages only."""
    await fill(client, channel, 3)
    assert await received(client, channel, stan.StartSequence(sequence), 9) == expected


async def test_start_time_and_time_delta(client: stan.Client, channel: str) -> None:
    """A time, or how long ago, starts with the first message stored since; a time to come means new only."""
    await fill(client, channel, 3)
    await asyncio.sleep(0.3)  # what tells the messages apart is their age
    middle = datetime.now(UTC)
    await asyncio.sleep(0.05)
    await fill(client, channel, 3)
    assert await received(client, channel, stan.StartTime(middle), 3) == [4, 5, 6]
    assert await received(client, channel, stan.StartTime(middle.astimezone().replace(tzinfo=None)), 3) == [
        4,
        5,
        6,
    ]
    ago = datetime.now(UTC) - middle
    assert await received(client, channel, stan.StartTimeDelta(ago), 3) == [4, 5, 6]
    assert await received(client, channel, stan.StartTimeDelta(timedelta(hours=1)), 3) == [1, 2, 3]
    assert await received(client, channel, stan.StartTime(datetime.now(UTC) + timedelta(hours=1)), 9) == []


async def test_messages_carry_sequence_time_and_channel(client: stan.Client, channel: str) -> None:
    """A message knows its channel, its place, when it was stored, and that it came for the first time."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    await client.publish(channel, b"x")
    inbox = Inbox()
    await client.subscribe(channel, inbox, start=stan.DeliverAll())
    (message,) = await inbox.wait(1)
    assert (message.channel, message.sequence, message.data) == (channel, 1, b"x")
    assert before < message.time < datetime.now(UTC) + timedelta(seconds=1)
    assert message.timestamp // 1_000_000_000 == int(message.time.timestamp())
    assert (message.redelivered, message.redelivery_count) == (False, 0)


async def test_synchronous_callback(client: stan.Client, channel: str) -> None:
    """A plain function is as good a callback as a coroutine function."""
    done = asyncio.Event()
    seen: list[int] = []

    def callback(message: stan.Message) -> None:
        seen.append(message.sequence)
        if len(seen) == 600:
            done.set()

    await client.subscribe(channel, callback)
    await fill(client, channel, 600)
    async with asyncio.timeout(5):
        await done.wait()
    assert seen == list(range(1, 601))


async def test_async_for_acknowledges_when_the_next_is_asked_for(connect: Connect, channel: str) -> None:
    """Leaving the loop keeps the last message unacknowledged: a durable brings it again."""
    client = await connect()
    await fill(client, channel, 5)
    subscription = await client.subscribe(channel, start=stan.DeliverAll(), durable_name="d")
    seen = []
    async for message in subscription:
        seen.append(message.sequence)
        if message.sequence == 3:
            break
    await subscription.close()
    resumed = Inbox()
    await client.subscribe(channel, resumed, durable_name="d")
    await resumed.wait(3)
    assert seen == [1, 2, 3]
    assert resumed.sequences == [3, 4, 5]
    assert resumed.messages[0].redelivered


async def test_async_with_acknowledges_the_message_in_hand(client: stan.Client, channel: str) -> None:
    """When its block ends well, the last message counts as processed; when it raises, it does not."""
    await fill(client, channel, 3)
    async with await client.subscribe(channel, start=stan.DeliverAll(), durable_name="d") as subscription:
        assert (await anext(subscription)).sequence == 1

    async def fail() -> None:
        async with await client.subscribe(channel, durable_name="d") as subscription:
            assert (await anext(subscription)).sequence == 2
            raise RuntimeError("application")

    with pytest.raises(RuntimeError, match="application"):
        await fail()
    async with await client.subscribe(channel, durable_name="d") as subscription:
        assert (await anext(subscription)).sequence == 2


async def test_async_for_ends_when_the_subscription_is_closed(client: stan.Client, channel: str) -> None:
    """A loop that waits for messages ends when its subscription, or its client, is closed."""
    subscription = await client.subscribe(channel)
    other = await client.subscribe(channel)

    async def count(messages: stan.Subscription) -> int:
        return len([message async for message in messages])

    counting = asyncio.ensure_future(count(subscription)), asyncio.ensure_future(count(other))
    await asyncio.sleep(0)
    await subscription.close()
    assert await counting[0] == 0
    await client.close()
    assert await counting[1] == 0


async def test_iterating_a_subscription_with_a_callback_is_refused(client: stan.Client, channel: str) -> None:
    """Either a callback or `async for`, not both."""
    subscription = await client.subscribe(channel, Inbox())
    with pytest.raises(errors.InvalidOption, match="has a callback"):
        await anext(subscription)


async def test_queue_group_shares_the_messages(connect: Connect, channel: str) -> None:
    """Each message goes to one member of the group; other subscriptions still get all."""
    clients = [await connect(), await connect()]
    shared, everything = Inbox(), Inbox()
    members: list[list[int]] = [[], []]
    for client, mine in zip(clients, members, strict=True):

        async def take(message: stan.Message, mine: list[int] = mine) -> None:
            mine.append(message.sequence)
            await shared(message)

        await client.subscribe(channel, take, queue_group="q", max_inflight=5)
    await clients[0].subscribe(channel, everything)
    await fill(clients[0], channel, 200)
    await everything.wait(200)
    await shared.wait(200)
    assert sorted(shared.sequences) == list(range(1, 201))
    assert members[0]
    assert members[1]


async def test_durable_queue_group_resumes_whatever_the_start_position(
    connect: Connect, channel: str
) -> None:
    """The group's place outlives its last member, for any client; a start position does not move it."""
    first, second = await connect(), await connect()
    inbox = Inbox()
    await fill(first, channel, 3)
    member = await first.subscribe(channel, inbox, queue_group="q", durable_name="d", start=stan.DeliverAll())
    await inbox.wait(3)
    await member.close()
    await fill(first, channel, 2, first=4)
    resumed = Inbox()
    await second.subscribe(channel, resumed, queue_group="q", durable_name="d", start=stan.DeliverAll())
    await resumed.wait(2)
    assert resumed.sequences == [4, 5]


async def test_durable_queue_group_name_without_colon(client: stan.Client, channel: str) -> None:
    """The server's separator is refused in a durable queue group's durable name."""
    with pytest.raises(errors.InvalidName, match="':'"):
        await client.subscribe(channel, queue_group="q", durable_name="a:b")


async def test_durable_and_plain_queue_group_of_one_name_are_apart(client: stan.Client, channel: str) -> None:
    """A durable group and a plain one with the same name each get every message."""
    plain, durable = Inbox(), Inbox()
    await client.subscribe(channel, plain, queue_group="q")
    await client.subscribe(channel, durable, queue_group="q", durable_name="d")
    await fill(client, channel, 10)
    await plain.wait(10)
    await durable.wait(10)


async def test_member_that_leaves_hands_its_messages_on(connect: Connect, channel: str) -> None:
    """Messages that a closed member did not acknowledge go to the others, marked as redelivered."""
    one, other = await connect(), await connect()
    taken, rest = Inbox(), Inbox()
    await fill(one, channel, 10)
    leaving = await one.subscribe(
        channel, taken, queue_group="q", manual_ack=True, start=stan.DeliverAll(), max_inflight=10
    )
    await taken.wait(10)
    await other.subscribe(channel, rest, queue_group="q")
    await leaving.close()
    await rest.wait(10)
    assert sorted(rest.sequences) == list(range(1, 11))
    assert all(message.redelivered for message in rest.messages)


async def test_durable_resumes_after_close_and_reconnect(
    connect: Connect, channel: str, client_id: str
) -> None:
    """A durable goes on after the last acknowledged message, for the same client id, in order."""
    client = await connect(client_id=client_id)
    inbox = Inbox()
    await fill(client, channel, 10)
    await client.subscribe(channel, inbox, durable_name="d", start=stan.DeliverAll())
    await inbox.wait(10)
    await client.close()
    publisher = await connect()
    await fill(publisher, channel, 10, first=11)
    again = await connect(client_id=client_id)
    resumed = Inbox()
    await again.subscribe(channel, resumed, durable_name="d", start=stan.DeliverAll())
    await resumed.wait(10)
    assert resumed.sequences == list(range(11, 21))


async def test_second_open_durable_is_refused(client: stan.Client, channel: str) -> None:
    """One durable name may be open once on a channel; on another channel it is another durable."""
    await client.subscribe(channel, Inbox(), durable_name="d")
    with pytest.raises(errors.DuplicateDurable, match="another durable name"):
        await client.subscribe(channel, Inbox(), durable_name="d")
    await client.subscribe(f"{channel}.other", Inbox(), durable_name="d")


async def test_unsubscribe_forgets_the_durable(client: stan.Client, channel: str) -> None:
    """After `unsubscribe` the name is new again, and its start position counts."""
    await fill(client, channel, 3)
    inbox = Inbox()
    subscription = await client.subscribe(channel, inbox, durable_name="d", start=stan.DeliverAll())
    await inbox.wait(3)
    await subscription.unsubscribe()
    again = Inbox()
    await client.subscribe(channel, again, durable_name="d", start=stan.DeliverAll())
    await again.wait(3)
    assert again.sequences == [1, 2, 3]


@pytest.mark.parametrize("how", ["close", "unsubscribe"])
async def test_nothing_is_delivered_after_the_end(client: stan.Client, channel: str, how: str) -> None:
    """Messages stop with the end of the subscription; ending it twice is an error."""
    inbox = Inbox()
    subscription = await client.subscribe(channel, inbox)
    await fill(client, channel, 2)
    await inbox.wait(2)
    await getattr(subscription, how)()
    assert not subscription.is_open
    await fill(client, channel, 2)
    probe = Inbox()
    await client.subscribe(channel, probe, start=stan.DeliverAll())
    await probe.wait(4)
    assert inbox.sequences == [1, 2]
    with pytest.raises(errors.SubscriptionClosed):
        await getattr(subscription, how)()


async def test_max_inflight_is_honoured(client: stan.Client, channel: str) -> None:
    """Without acks no more than `max_inflight` messages come; each ack brings one more."""
    await fill(client, channel, 20)
    inbox = Inbox()
    await client.subscribe(channel, inbox, start=stan.DeliverAll(), manual_ack=True, max_inflight=5)
    await inbox.wait(5)
    probe = Inbox()
    await client.subscribe(channel, probe, start=stan.DeliverAll())
    await probe.wait(20)
    assert inbox.sequences == [1, 2, 3, 4, 5]
    await inbox.messages[0].ack()
    await inbox.wait(6)
    assert inbox.sequences == [1, 2, 3, 4, 5, 6]


async def test_unacknowledged_messages_come_again(client: stan.Client, channel: str) -> None:
    """After `ack_wait` a message comes again, marked and counted, until it is acknowledged."""
    await fill(client, channel, 2)
    inbox = Inbox()
    await client.subscribe(channel, inbox, start=stan.DeliverAll(), manual_ack=True, ack_wait=1)
    await inbox.wait(2)
    await inbox.messages[0].ack()
    await inbox.wait(4)
    second = [message for message in inbox.messages if message.sequence == 2]
    assert [message.redelivery_count for message in second] == [0, 1, 2]
    assert [message.redelivered for message in second] == [False, True, True]
    assert inbox.sequences.count(1) == 1


async def test_failed_callback_is_logged_and_not_acknowledged(
    client: stan.Client, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A callback that raises leaves its message unacknowledged; others go on, and it comes again."""
    seen: list[tuple[int, bool]] = []
    again = asyncio.Event()

    def callback(message: stan.Message) -> None:
        seen.append((message.sequence, message.redelivered))
        if message.sequence == 1 and not message.redelivered:
            raise ValueError("not yet")
        if message.redelivered:
            again.set()

    subscription = await client.subscribe(channel, callback, ack_wait=1)
    await fill(client, channel, 2)
    async with asyncio.timeout(5):
        await again.wait()
    assert seen == [(1, False), (2, False), (1, True)]
    assert isinstance(subscription.last_error, ValueError)
    assert "not yet" in caplog.text


async def test_ack_that_has_no_meaning_is_refused(client: stan.Client, channel: str) -> None:
    """Acks on an automatic subscription, twice, or after the end are errors, each its own."""
    await client.publish(channel, b"x")
    automatic, manual = Inbox(), Inbox()
    await client.subscribe(channel, automatic, start=stan.DeliverAll())
    subscription = await client.subscribe(channel, manual, start=stan.DeliverAll(), manual_ack=True)
    await automatic.wait(1)
    await manual.wait(1)
    with pytest.raises(errors.NotManualAck, match="manual_ack=True"):
        await automatic.messages[0].ack()
    await manual.messages[0].ack()
    with pytest.raises(errors.AlreadyAcked):
        await manual.messages[0].ack()
    await client.publish(channel, b"y")
    await manual.wait(2)
    await subscription.close()
    with pytest.raises(errors.SubscriptionClosed):
        await manual.messages[1].ack()


@pytest.mark.parametrize(
    "options",
    [
        {"ack_wait": 0},
        {"ack_wait": 1.5},
        {"max_inflight": 0},
        {"start": "first"},
        {"start": None},
    ],
)
async def test_impossible_options_are_refused(
    client: stan.Client, channel: str, options: dict[str, object]
) -> None:
    """Options that cannot be are refused before anything is sent."""
    with pytest.raises(errors.InvalidOption):
        await client.subscribe(channel, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "a b", "a.*", ">", "a..b"])
async def test_invalid_channels_are_refused(client: stan.Client, name: str) -> None:
    """A channel the server would not take is refused before anything is sent."""
    with pytest.raises(errors.InvalidName):
        await client.subscribe(name)


async def test_slow_callback_stops_no_other_subscription(client: stan.Client, channel: str) -> None:
    """While one callback waits, other subscriptions and publishing go on."""
    go = asyncio.Event()
    slow_seen: list[int] = []

    async def slow(message: stan.Message) -> None:
        slow_seen.append(message.sequence)
        await go.wait()

    await client.subscribe(channel, slow)
    quick = Inbox()
    await client.subscribe(channel, quick)
    await fill(client, channel, 50)
    await quick.wait(50)
    assert slow_seen == [1]
    go.set()


async def test_close_waits_for_the_callback_and_sends_its_ack(client: stan.Client, channel: str) -> None:
    """`close` lets the running callback end; what it processed does not come again."""
    await fill(client, channel, 3)
    started, seen = asyncio.Event(), []

    async def callback(message: stan.Message) -> None:
        started.set()
        await asyncio.sleep(0.05)
        seen.append(message.sequence)

    subscription = await client.subscribe(channel, callback, start=stan.DeliverAll(), durable_name="d")
    await started.wait()
    await subscription.close()
    assert seen == [1]
    resumed = Inbox()
    await client.subscribe(channel, resumed, durable_name="d")
    await resumed.wait(2)
    assert resumed.sequences == [2, 3]


async def test_close_with_drain_hands_over_what_has_arrived(client: stan.Client, channel: str) -> None:
    """With `drain`, all messages that have arrived are processed and acknowledged before the end."""
    await fill(client, channel, 10)
    seen: list[int] = []

    go, probe = asyncio.Event(), Inbox()

    async def callback(message: stan.Message) -> None:
        await go.wait()
        seen.append(message.sequence)

    subscription = await client.subscribe(channel, callback, start=stan.DeliverAll(), durable_name="d")
    await client.subscribe(channel, probe, start=stan.DeliverAll())
    await probe.wait(10)  # subscribed later: what the first one was sent is here too
    closing = asyncio.ensure_future(subscription.close(drain=True))
    await asyncio.sleep(0)
    go.set()
    await closing
    assert seen == list(range(1, 11))
    await client.publish(channel, b"next")
    resumed = Inbox()
    await client.subscribe(channel, resumed, durable_name="d")
    await resumed.wait(1)
    assert resumed.sequences == [11]


async def test_a_callback_may_close_its_own_subscription(client: stan.Client, channel: str) -> None:
    """Closing from within the callback does not wait for itself."""
    closed = asyncio.Event()
    subscription: stan.Subscription

    async def callback(message: stan.Message) -> None:
        await subscription.close()
        closed.set()

    subscription = await client.subscribe(channel, callback)
    await client.publish(channel, b"x")
    async with asyncio.timeout(5):
        await closed.wait()
    assert not subscription.is_open


async def test_limit_on_subscriptions_is_reported(make_group: Callable[..., Group], connect: Connect) -> None:
    """One subscription more than the server allows is refused by name."""
    group = make_group(nodes=1, ft=False, streaming='store: "MEMORY"', limits="max_subs: 1")
    await asyncio.to_thread(group.start)
    client = await connect(group.urls)
    await client.subscribe("foo", Inbox())
    with pytest.raises(errors.TooManySubscriptions, match="max_subs"):
        await client.subscribe("foo", Inbox())


async def test_start_below_the_first_kept_message(make_group: Callable[..., Group], connect: Connect) -> None:
    """When a limit dropped the oldest messages, an old sequence starts with the oldest that is left."""
    group = make_group(nodes=1, ft=False, streaming='store: "MEMORY"', limits="max_msgs: 3")
    await asyncio.to_thread(group.start)
    client = await connect(group.urls)
    await fill(client, "foo", 10)
    assert await received(client, "foo", stan.StartSequence(2), 9) == [8, 9, 10]


async def test_cancelled_subscribe_leaves_no_subscription(client: stan.Client, channel: str) -> None:
    """Cancelled anywhere on its way, subscribing leaves no task and no durable that is open."""
    async with no_task_left():
        for turns in range(0, 24, 2):
            task = asyncio.ensure_future(client.subscribe(channel, Inbox(), durable_name="d"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            (result,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(result, stan.Subscription):
                await result.close()
        inbox = Inbox()
        subscription = await client.subscribe(channel, inbox, durable_name="d")
        await client.publish(channel, b"x")
        await inbox.wait(1)
        await subscription.unsubscribe()
