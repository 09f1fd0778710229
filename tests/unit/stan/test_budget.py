"""The budget of the client's hot path: calls of functions for a message, which depend on no machine.

Each call of a Python function takes about as long as parsing a message: what is called once for each
message decides how many go through in a second. The numbers are what is needed now.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import nats

from stanlocal import stan
from stanlocal.stan._pb import stan_pb2 as pb
from tests.unit.stan.hostile_server import CLUSTER, hostile_server

COUNT = 1000
STAN, NATS = (str(Path(package.__file__ or "").parent) for package in (stan, nats))


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the calls of the client's functions and of nats-py's, by name; of built-in ones as ``C``."""
    calls: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event == "c_call" and file.startswith(STAN):
            calls["C"] += 1
        elif event == "call" and file.startswith((STAN, NATS)):
            calls[frame.f_code.co_qualname] += 1

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def for_each(calls: Counter[str]) -> Counter[str]:
    """How often each was called for a message, without what was called for a read or a turn of the loop."""
    return Counter({name: rounded for name, count in calls.items() if (rounded := round(count / COUNT))})


async def test_a_delivery_costs_two_calls_besides_its_callback() -> None:
    """Its message is made from what was read; its ack goes out with those of the messages around it."""
    async with hostile_server() as (server, url):
        client = await stan.connect(url, cluster_id=CLUSTER, ping_interval=60)
        done = asyncio.Event()
        subscription = await client.subscribe(
            "channel", lambda message: done.set() if message.sequence == COUNT else None
        )
        inbox, number = list(server.numbers.items())[-1]
        sent = [pb.MsgProto(sequence=n, data=b"x" * n, timestamp=n) for n in range(1, COUNT + 1)]
        with counted() as calls:
            for message in sent:
                server.message(number, inbox.encode(), message.SerializeToString())
            await done.wait()
        each = for_each(calls)
        assert each.pop("C") <= 10
        assert each == {"Subscription._next": 1, "DeliveryBuffer.take": 1}
        await server.until(lambda: sum(line.startswith(b"PUB acks ") for line in server.lines) == COUNT)
        assert subscription.last_sequence == COUNT
        await client.close()


async def test_a_publish_costs_five_calls_and_its_ack_none() -> None:
    """What a publish needs is made once for each channel; acks of one read are settled together."""
    async with hostile_server() as (server, url):
        client = await stan.connect(url, cluster_id=CLUSTER, ping_interval=60)
        with counted() as calls:
            acks = [await client.publish_async("channel", b"x" * 100) for _ in range(COUNT)]
            await server.until(lambda: sum(line.startswith(b"PUB pub.") for line in server.lines) == COUNT)
            for line in [line for line in server.lines if line.startswith(b"PUB pub.")]:
                subject = line.split()[2]
                guid = b"".join(subject.split(b".")[-2:]).decode()
                inbox = f"{subject.rpartition(b'.')[0].decode()}.*"
                server.message(server.numbers[inbox], subject, pb.PubAck(guid=guid).SerializeToString())
            guids = await asyncio.gather(*acks)
        assert len(set(guids)) == COUNT
        each = for_each(calls)
        assert each.pop("C") <= 12
        assert each == {
            "Client.publish_async": 1,
            "Publisher.publish": 1,
            "Client.is_connected": 1,
            "PubEncoder.frame": 1,
            "WriteBuffer.send": 1,
        }
        await client.close()
