"""One message, published and read again."""

from __future__ import annotations

import asyncio

from stanlocal import stan
from stanlocal.group.core import Look

CHANNEL = "kept"


async def publish(look: Look, data: bytes) -> None:
    """Returns once it is acknowledged."""
    urls, cluster = list(look.plan.client_urls), look.plan.cluster_id
    async with await stan.connect(urls, cluster_id=cluster, client_id="publisher") as client:
        await client.publish(CHANNEL, data)


async def first_message(look: Look) -> bytes:
    """The first that the store has."""
    urls, cluster = list(look.plan.client_urls), look.plan.cluster_id
    async with (
        asyncio.timeout(10),
        await stan.connect(urls, cluster_id=cluster, client_id="reader") as client,
    ):
        async for message in await client.subscribe(CHANNEL, start=stan.DeliverAll()):
            return message.data
    raise AssertionError("the subscription has ended")
