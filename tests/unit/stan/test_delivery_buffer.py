"""Deliveries that wait to be handed over: how many are kept, and what becomes of what is no message."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import pytest

from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.delivery_buffer import DeliveryBuffer
from stanlocal.stan.errors import BadReply


def delivery(sequence: int, *, redelivered: bool = False) -> bytes:
    return pb.MsgProto(
        sequence=sequence,
        data=b"%d" % sequence,
        timestamp=sequence + 1,
        redelivered=redelivered,
        redelivery_count=2 * redelivered,
    ).SerializeToString()


def framed(*payloads: bytes, inbox: bytes = b"MSG inbox 1") -> bytes:
    return b"".join(b"%b %d\r\n%b\r\n" % (inbox, len(each), each) for each in payloads)


def receive_run(buffer: DeliveryBuffer, *payloads: bytes, inbox: bytes = b"MSG inbox 1") -> int:
    """How many messages the buffer takes of these, which follow another in one read."""
    _, count, _ = buffer.receive_run(framed(*payloads, inbox=inbox), 0, b"%b 5\r\n" % inbox)
    return count


def sequences(buffer: DeliveryBuffer) -> list[int]:
    taken = []
    while (message := buffer.take(Mock(), Mock())) is not None:
        taken.append(message.sequence)
    return taken


@pytest.mark.parametrize("run", [False, True])
def test_twice_max_inflight_is_kept_and_of_the_second_half_nothing_that_comes_again(run: bool) -> None:
    """A server that sends more than it may have outstanding fills no memory."""
    buffer = DeliveryBuffer(3)
    sent = [delivery(n, redelivered=n in (2, 5)) for n in range(1, 10)]
    if run:
        assert receive_run(buffer, *sent) == 9
    else:
        for each in sent:
            buffer.receive(b"inbox", each, b"", False)
    assert sequences(buffer) == [1, 2, 3, 4, 6, 7]


def test_a_run_ends_at_another_subscription_and_at_what_is_cut() -> None:
    buffer = DeliveryBuffer(10)
    run = framed(delivery(1), delivery(2), delivery(300))
    for rest in (framed(delivery(4), inbox=b"MSG other 1"), b"PING\r\n", framed(delivery(4))[:-1], b""):
        end, count, size = buffer.receive_run(run + rest, 0, b"MSG inbox 1 7\r\n")
        assert (end, count) == (len(run), 3)
        assert size == sum(len(delivery(n)) for n in (1, 2, 300))
        assert sequences(buffer) == [1, 2, 300]


def test_a_subscription_that_is_made_again_takes_runs_from_its_new_inbox() -> None:
    buffer = DeliveryBuffer(10)
    assert receive_run(buffer, delivery(1), delivery(200)) == 2
    assert receive_run(buffer, delivery(3), delivery(400), inbox=b"MSG other 2") == 2
    assert sequences(buffer) == [1, 200, 3, 400]


@pytest.mark.parametrize("run", [False, True])
async def test_waiting_ends_with_a_delivery(run: bool) -> None:
    buffer = DeliveryBuffer(10)
    waiting = asyncio.create_task(buffer.wait())
    await asyncio.sleep(0)
    if run:
        receive_run(buffer, delivery(1), delivery(2))
    else:
        buffer.receive(b"inbox", delivery(1), b"", False)
    async with asyncio.timeout(10):
        await waiting


@pytest.mark.parametrize("run", [False, True])
def test_nothing_is_kept_once_no_more_is_taken(run: bool) -> None:
    buffer = DeliveryBuffer(10)
    buffer.takes_more = False
    if run:
        assert receive_run(buffer, delivery(1), delivery(2)) == 2
    else:
        buffer.receive(b"inbox", delivery(1), b"", False)
    assert sequences(buffer) == []


def test_a_message_has_what_the_server_sent() -> None:
    buffer = DeliveryBuffer(10)
    buffer.receive(b"inbox", delivery(7, redelivered=True), b"", False)
    subscription = Mock(channel="channel")
    message = buffer.take(subscription, Mock())
    assert message is not None
    assert (message.sequence, message.data, message.timestamp) == (7, b"7", 8)
    assert (message.redelivered, message.redelivery_count, message.channel) == (True, 2, "channel")


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff", b"", pb.MsgProto(data=b"x").SerializeToString()])
def test_what_is_no_message_is_reported_and_skipped(garbage: bytes) -> None:
    buffer, reported = DeliveryBuffer(10), list[BadReply]()
    for each in (garbage, delivery(1)):
        buffer.receive(b"inbox", each, b"", False)
    message = buffer.take(Mock(), reported.append)
    assert message is not None
    assert message.sequence == 1
    assert len(reported) == 1
    assert f"{len(garbage)} bytes from the server are" in str(reported[0])
