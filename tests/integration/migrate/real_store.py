"""A store that nats-streaming-server wrote, with durables that have unacknowledged messages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from stanlocal import stan
from tests.support.server import StreamingServer, running

UNACKED = frozenset({10, 11, 500})
"""Sequences of `orders` that the durable `app/holes` did not acknowledge."""
ORDERS, DELIVERED = 4_000, 1_500


def make_real_store(binary: Path, folder: Path) -> Path:
    store = folder / "store"
    with running(binary, store) as server:
        server.wait_for("Streaming Server is ready")
        asyncio.run(_fill(server))
    return store


async def _fill(server: StreamingServer) -> None:
    url = f"nats://127.0.0.1:{server.client_port}"
    async with stan.connect(url, cluster_id="test-cluster", client_id="publisher") as client:
        await _publish(client, "orders", [b"order %d" % n + b"." * 100 for n in range(1, ORDERS + 1)])
        await _publish(client, "events.eu", [b"event %d" % n for n in range(300)])
        await _publish(client, "bytes", [b"", bytes(range(256)), b"\0" * 900_000])
        await (await client.subscribe("empty")).unsubscribe()
    await _consume(url, "app", "orders", DELIVERED, UNACKED, durable_name="holes", max_inflight=2_000)
    await _consume(url, "app", "events.eu", 300, frozenset(), durable_name="caught.up")
    await _consume(
        url, "w-1", "orders", 40, frozenset({7}), durable_name="work", queue_group="pool", ack_wait=60
    )


async def _publish(client: stan.Client, channel: str, payloads: list[bytes]) -> None:
    for ack in [await client.publish_async(channel, payload) for payload in payloads]:
        await ack


async def _consume(
    url: str, client_id: str, channel: str, count: int, unacked: frozenset[int], **options: Any
) -> None:
    """Take `count` messages and acknowledge all but some; what is in flight at the end stays so."""
    async with stan.connect(url, cluster_id="test-cluster", client_id=client_id) as client:
        subscription = await client.subscribe(channel, start=stan.DeliverAll(), manual_ack=True, **options)
        taken = 0
        async for message in subscription:
            taken += 1
            if message.sequence not in unacked:
                await message.ack()
            if taken == count:
                break
        await subscription.close()
