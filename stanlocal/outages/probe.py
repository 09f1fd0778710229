"""A client's view of a group: publishes all the time and notices when that is not acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from stanlocal.history.occurrences import Outage

if TYPE_CHECKING:
    from stanlocal.stan.client import Client

CHANNEL = "stanlocal.probe"
"""Where the probe publishes: a STAN channel cannot be deleted, so it is always the same one."""
TOLERANCE_S = 0.1
"""Acks that stay away for longer are an outage: several times what a slow disk costs, and a third of what
the fastest failover takes."""

_INTERVAL_S = 0.005
_SAMPLE_S = 0.005
_PATIENCE_S = 24 * 3600.0
"""The probe does not give up: how long it took is what it is there to tell."""


async def outages(client: Client, *, channel: str = CHANNEL) -> AsyncGenerator[Outage]:
    """Each outage once it is over, until cancelled.

    `client` must publish with `retry`. The moments are exact to some 5 ms. Raises `StanError` when the client
    is lost for good.
    """
    last_ack: datetime | None = None
    while True:
        publish = asyncio.ensure_future(client.publish(channel, b"probe", timeout=_PATIENCE_S))
        try:
            lost = await _connection_lost(client, publish)
            await publish
        finally:
            publish.cancel()
        ack = datetime.now(UTC)
        if last_ack is not None and ack - last_ack > timedelta(seconds=TOLERANCE_S):
            yield Outage(last_ack, lost, ack)
        last_ack = ack
        await asyncio.sleep(_INTERVAL_S)


async def _connection_lost(client: Client, publish: asyncio.Future[str]) -> datetime | None:
    """When the client's connection broke while the publish went on; None when it did not."""
    lost = None
    while not publish.done():
        await asyncio.wait([publish], timeout=_SAMPLE_S)
        nats = client.nats
        if lost is None and not publish.done() and (nats is None or not nats.is_connected):
            lost = datetime.now(UTC)
    return lost
