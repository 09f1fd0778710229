"""Long runs: memory, garbage, cancellation without end."""

from __future__ import annotations

import asyncio
import random

import pytest
from nats.aio.client import Client as NatsClient

from stanlocal import stan
from stanlocal.stan._pb import stan_pb2 as pb
from tests.bench.stan.memory import grown
from tests.integration.stan.conftest import Connect
from tests.integration.stan.fake_stan import fake_stan
from tests.integration.stan.ft_processes import Group
from tests.integration.stan.helpers import no_task_left

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]


async def test_memory_stays_flat_over_a_million_messages(group: Group) -> None:
    """A million messages published and delivered through one subscription add at most 60 MB."""
    assert await grown(group.urls[0], group.cluster_id, 1_000_000) <= 60


async def test_slow_subscriber_keeps_a_bounded_number(connect: Connect, channel: str) -> None:
    """Messages that come again and again while the callback hangs do not pile up."""
    client = await connect()
    go = asyncio.Event()

    async def stuck(message: stan.Message) -> None:
        await go.wait()

    subscription = await client.subscribe(channel, stuck, ack_wait=1, max_inflight=20)
    await client.publish_batch(channel, [b"x"] * 100)
    await asyncio.sleep(4.5)  # four redeliveries of each
    assert subscription.pending <= 40
    go.set()


async def test_fuzzed_server_never_breaks_the_client(group: Group, connect: Connect) -> None:
    """Random bytes on every inbox of a client: it neither fails nor stops answering."""
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    async with fake_stan(group.urls[0], "fuzz") as server:
        client = await connect(cluster_id="fuzz", ack_timeout=0.5, request_timeout=0.5)
        seen: list[bytes] = []
        subscription = await client.subscribe("foo", lambda message: seen.append(message.data))
        attacker = NatsClient()
        await attacker.connect(group.urls[0])
        inbox = server.connects[0].heartbeat_inbox.rpartition(".")[0]
        targets = [
            server.subscriptions[0].inbox,
            server.connects[0].heartbeat_inbox,
            f"{inbox}.1",
            f"{inbox}.{'9' * 30}",
            f"{inbox}.ünknown",
            "_STAN.ft.fuzz.ft",
        ]
        for _ in range(5000):
            data = dice.randbytes(dice.choice([0, 1, 5, 30, 300]))
            await attacker.publish(dice.choice(targets), data, reply=dice.choice(["", "nobody.there"]))
        await attacker.flush()
        good = pb.MsgProto(sequence=1, subject="foo", data=b"the end").SerializeToString()
        await server.deliver(server.subscriptions[0].inbox, good)
        async with asyncio.timeout(10):
            while b"the end" not in seen:  # noqa: ASYNC110 - a plain callback cannot tell
                await asyncio.sleep(0.01)
        await client.publish("foo", b"x")
        assert subscription.is_open, f"seed {seed}"
        await attacker.close()
        await client.close()


async def test_cancelled_at_every_turn(group: Group, connect: Connect, channel: str) -> None:
    """Whatever is cancelled wherever: no task is left, and the client goes on."""
    client = await connect(retry=True)
    await client.publish(channel, b"x")

    async def life() -> None:
        async with await client.subscribe(channel, start=stan.DeliverAll(), durable_name="d") as subscription:
            await anext(subscription)
            await client.publish(channel, b"y")
            await client.publish_batch(channel, [b"z"] * 5)
            await subscription.unsubscribe()

    async with no_task_left():
        for turns in range(120):
            task = asyncio.ensure_future(life())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            assert outcome is None or isinstance(outcome, asyncio.CancelledError), repr(outcome)
    await client.publish(channel, b"the end")
