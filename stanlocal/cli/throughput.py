"""The benchmark of `stanlocal bench`: clients, messages, clocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stanlocal.errors import WaitTimeout
from stanlocal.util.percentile import percentile

if TYPE_CHECKING:
    from stanlocal.cli.stan_server import Endpoint
    from stanlocal.stan import Client, Message

_STAMP = 8
"""Bytes at the start of a message that hold its send time; a shorter message has none."""
_SILENT_S = 20.0
"""Seconds without a delivery after which no more is expected; a failover is over before that."""
_SHARES = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


@dataclass(frozen=True, slots=True)
class Bench:
    """Parameters of a measurement; all publishers together publish `count` messages."""

    channel: str
    pubs: int
    subs: int
    count: int
    size: int
    sync: bool


@dataclass(slots=True)
class _Receiver:
    """Callback of one subscriber: counts its messages, and measures their delays."""

    wanted: int
    """Number of messages after which `done` is set."""
    stamped: bool
    """Whether messages hold their send time."""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    seen: int = 0
    delays: list[float] = field(default_factory=list)
    """Milliseconds from the publishing call to the callback."""

    def __call__(self, message: Message) -> None:
        self.seen += 1
        if self.stamped:
            sent = int.from_bytes(message.data[:_STAMP], "big")
            self.delays.append((time.monotonic_ns() - sent) / 1e6)
        if self.seen == self.wanted:
            self.done.set()


async def run(endpoint: Endpoint, client_id: str, plan: Bench) -> dict[str, Any]:
    """Measure; return the report, with rates in messages a second and latencies in milliseconds.

    A subscriber's latency is from the publishing call to its callback. Without publishers, the
    subscribers read what the channel has, from its beginning, and there is no latency.
    """
    from stanlocal import stan

    clients: list[Client] = []

    async def connect(role: str, index: int) -> Client:
        name = f"{client_id}-{role}-{index}"
        clients.append(await stan.connect(**endpoint, client_id=name, retry=True, reconnect=True))
        return clients[-1]

    try:
        publishers = [await connect("pub", index) for index in range(plan.pubs)]
        subscribers = [await connect("sub", index) for index in range(plan.subs)]
        readers = [_Receiver(plan.count, bool(publishers) and plan.size >= _STAMP) for _ in subscribers]
        start = stan.NewOnly() if publishers else stan.DeliverAll()
        begin = time.perf_counter()
        for client, reader in zip(subscribers, readers, strict=True):
            await client.subscribe(plan.channel, reader, start=start)
        if publishers:
            begin = time.perf_counter()
        shares = [plan.count // plan.pubs + (index < plan.count % plan.pubs) for index in range(plan.pubs)]
        publishing = [_publish(client, plan, share) for client, share in zip(publishers, shares, strict=True)]
        delays = [delay for part in await asyncio.gather(*publishing) for delay in part]
        published = time.perf_counter() - begin
        await _all_read(plan.channel, readers)
        delivered = time.perf_counter() - begin
    finally:
        for client in clients:
            await client.close()
    return {
        "channel": plan.channel,
        "pubs": plan.pubs,
        "subs": plan.subs,
        "count": plan.count,
        "size": plan.size,
        "sync": plan.sync,
        "publish": _part(plan.count, published, delays) if publishers else None,
        "deliver": _part(
            plan.count * plan.subs, delivered, [delay for reader in readers for delay in reader.delays]
        )
        if readers
        else None,
    }


async def _all_read(channel: str, readers: Sequence[_Receiver]) -> None:
    """Return once every reader has its messages.

    Raises `WaitTimeout` when none gets a message for `_SILENT_S` seconds: the channel holds no more.
    """
    missing = [reader for reader in readers if not reader.done.is_set()]
    while missing:
        seen = sum(reader.seen for reader in readers)
        waits = [asyncio.create_task(reader.done.wait()) for reader in missing]
        await asyncio.wait(waits, timeout=_SILENT_S)
        for wait in waits:
            wait.cancel()
        missing = [reader for reader in readers if not reader.done.is_set()]
        if missing and sum(reader.seen for reader in readers) == seen:
            fewest = min(missing, key=lambda reader: reader.seen)
            came = f"{fewest.seen:,} of {fewest.wanted:,} messages came, then none for {_SILENT_S:g} s"
            raise WaitTimeout(f"{channel}: {came}; choose with '--count' how many to read", {})


async def _publish(client: Client, plan: Bench, count: int) -> list[float]:
    """Publish `count` messages; return the delay of each ack in milliseconds."""
    delays: list[float] = []
    rest = b"." * max(0, plan.size - _STAMP)

    def payload(now: int) -> bytes:
        return now.to_bytes(_STAMP, "big")[: plan.size] + rest

    if plan.sync:
        for _ in range(count):
            sent = time.monotonic_ns()
            await client.publish(plan.channel, payload(sent))
            delays.append((time.monotonic_ns() - sent) / 1e6)
        return delays
    failures: list[BaseException] = []
    for _ in range(count):
        sent = time.monotonic_ns()
        ack = await client.publish_async(plan.channel, payload(sent))

        def answered(ack: asyncio.Future[str], sent: int = sent) -> None:
            delays.append((time.monotonic_ns() - sent) / 1e6)
            if (error := ack.exception()) is not None:
                failures.append(error)

        ack.add_done_callback(answered)
    await client.flush()
    await asyncio.sleep(0)  # the last callbacks are due in the loop's next turn
    if failures:
        raise failures[0]
    return delays


def _part(messages: int, seconds: float, delays: list[float]) -> dict[str, Any]:
    return {
        "messages": messages,
        "seconds": round(seconds, 6),
        "rate": round(messages / seconds, 1),
        "latency_ms": _latencies(delays),
    }


def _latencies(delays: list[float]) -> dict[str, float]:
    """Return common percentiles of delays, in the unit of the delays; nothing without delays."""
    found = {name: percentile(delays, share) for name, share in _SHARES.items()}
    return {name: round(value, 3) for name, value in found.items() if value is not None}
