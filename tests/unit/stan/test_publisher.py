"""Publishing: what becomes of the messages whose acks come together in one read."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest

from stanlocal import stan
from stanlocal.stan import errors
from stanlocal.stan._pb import stan_pb2 as pb
from tests.unit.stan.hostile_server import CLUSTER, HostileServer, hostile_server


async def connect(url: str, window: int = 100, retry: bool = False) -> stan.Client:
    return await stan.connect(
        url, cluster_id=CLUSTER, ping_interval=60, max_pub_acks_inflight=window, retry=retry
    )


def published(server: HostileServer) -> list[tuple[str, pb.PubMsg]]:
    """The messages that the server got, with their ack subjects."""
    subjects = [line.split()[2].decode() for line in server.lines if line.startswith(b"PUB pub.")]
    messages = [pb.PubMsg.FromString(payload) for subject, payload in server.published if "pub." in subject]
    return list(zip(subjects, messages, strict=True))


def answer(server: HostileServer, errors_of: dict[int, str]) -> None:
    """Answer all that was published, in one piece: an error for some, by their places, else stored."""
    for at in range(len(published(server))):
        answer_at(server, at, errors_of.get(at, ""))


def answer_at(server: HostileServer, at: int, error: str = "") -> None:
    """Answer the message at that place: stored, or refused with an error."""
    subject, message = published(server)[at]
    ack = pb.PubAck(guid=message.guid, error=error)
    inbox = f"{subject.rpartition('.')[0]}.*"
    server.message(server.numbers[inbox], subject.encode(), ack.SerializeToString())


async def until_published(server: HostileServer, count: int) -> None:
    await server.until(lambda: sum("pub." in subject for subject, _ in server.published) == count)


async def test_each_message_gets_its_own_answer() -> None:
    """Stored, refused or given up, and acknowledged in any order: no answer goes to another message."""
    async with hostile_server() as (server, url):
        client = await connect(url)
        acks = [await client.publish_async("channel", b"%d" % number) for number in range(8)]
        acks[5].cancel()
        await until_published(server, 8)
        server.lines.append(server.lines.pop(-4))  # one overtakes others
        server.published.append(server.published.pop(-4))
        answer(server, {3: "stan: too many channels"})
        answer(server, {3: "stan: too many channels"})  # again, as after a repetition: nothing changes
        answers = await asyncio.gather(*acks, return_exceptions=True)
        assert isinstance(answers[3], errors.ServerError)
        assert isinstance(answers[5], asyncio.CancelledError)
        assert [answers[n] for n in (0, 1, 2, 4, 6, 7)] == [acks[n].guid for n in (0, 1, 2, 4, 6, 7)]
        assert client.unacknowledged == 0
        await client.flush()
        await client.close()


async def test_acks_that_come_together_let_as_many_publishers_in() -> None:
    """Each ack of a full window makes room for one waiting publisher."""
    async with hostile_server() as (server, url):
        client = await connect(url, window=3)
        publishing = [asyncio.create_task(client.publish_async("channel", b"x")) for _ in range(6)]
        await until_published(server, 3)
        assert sum(task.done() for task in publishing) == 3
        answer(server, {})
        await until_published(server, 6)
        answer(server, {})
        acks = await asyncio.gather(*publishing)
        assert await asyncio.gather(*acks) == [ack.guid for ack in acks]
        await client.close()


async def test_a_message_that_is_too_large_leaves_its_room_to_the_next() -> None:
    async with asyncio.timeout(10), hostile_server() as (server, url):
        client = await connect(url, window=1)
        first, large, fine = [
            asyncio.create_task(client.publish("channel", b"x" * size)) for size in (1, 2_000_000, 1)
        ]
        await until_published(server, 1)
        answer(server, {})
        await first
        with pytest.raises(errors.PayloadTooLarge):
            await large
        await until_published(server, 2)
        answer(server, {})
        await fine
        await client.close()


async def test_no_publisher_waits_on_after_the_connection_dropped() -> None:
    """Without `retry` those that wait for room fail as those do that were sent, however many they are."""
    async with asyncio.timeout(10), hostile_server() as (server, url):
        client = await connect(url, window=2)
        publishing = [asyncio.create_task(client.publish("channel", b"x", timeout=1.0)) for _ in range(6)]
        await until_published(server, 2)
        await server.close()
        failures = await asyncio.gather(*publishing, return_exceptions=True)
        assert [type(failure) for failure in failures] == [errors.ConnectionInterrupted] * 6
        await server.until(lambda: server.connections == 2)
        await client.close()


async def test_one_large_ack_lets_in_all_small_messages_that_fit() -> None:
    async with asyncio.timeout(10), hostile_server() as (server, url):
        client = await connect(url)
        with patch("stanlocal.stan.publisher.MAX_BYTES", 1000):
            large = await client.publish_async("channel", b"x" * 1000)
            small = [asyncio.create_task(client.publish("channel", b"x")) for _ in range(3)]
            await until_published(server, 1)
            answer(server, {})
            await until_published(server, 4)
        answer(server, {})
        await asyncio.gather(large, *small)
        await client.close()


async def test_messages_are_published_in_the_order_of_the_calls() -> None:
    """Whoever publishes as soon as there is room comes behind those that waited for it."""
    async with asyncio.timeout(10), hostile_server() as (server, url):
        client = await connect(url, window=2)

        async def publish(data: bytes) -> None:
            await client.publish("channel", data)

        async def publish_two() -> None:
            await publish(b"1")
            await publish(b"5")

        publishing = [asyncio.create_task(publish_two())]
        publishing += [asyncio.create_task(publish(data)) for data in (b"2", b"3", b"4")]
        for count in (2, 4, 5):
            await until_published(server, count)
            answer(server, {})
        await asyncio.gather(*publishing)
        assert [message.data for _, message in published(server)] == [b"1", b"2", b"3", b"4", b"5"]
        await client.close()


@pytest.mark.parametrize("count", [2, 300])
async def test_flush_ends_with_the_last_ack(count: int) -> None:
    async with hostile_server() as (server, url):
        client = await connect(url, window=1000)
        for _ in range(count):
            await client.publish_async("channel", b"x")
        flushed = asyncio.create_task(client.flush())
        await until_published(server, count)
        assert not flushed.done()
        answer(server, {})
        async with asyncio.timeout(10):
            await flushed
        await client.close()


async def test_a_publish_cancelled_and_acknowledged_while_others_are_sent_again_is_over() -> None:
    """A message's place may be free again before its turn to be sent again comes: the client goes on."""
    async with hostile_server() as (server, url):
        client = await connect(url, retry=True)
        server.answers["pub.channel"] = lambda _: None  # no node is active
        server.answers["ping"] = lambda _: None
        acks = [await client.publish_async("channel", b"x" * 100_000) for _ in range(3)]
        await until_published(server, 3)
        del server.answers["pub.channel"]
        link = client._connection.link
        drain = link.drain

        async def slowly() -> None:
            """Wait for a server that reads slowly, while the last message is cancelled and acknowledged."""
            await drain()
            if not acks[2].cancelled():
                acks[2].cancel()
                answer_at(server, 2)
                server.send(b"PING\r\n")
                await server.until(lambda: b"PONG\r\n" in server.lines)

        with patch.object(link, "drain", slowly):
            server.answers["ping"] = lambda _: b""
            await until_published(server, 5)
        answer(server, {})
        assert await asyncio.gather(*acks[:2]) == [ack.guid for ack in acks[:2]]
        await client.close()
