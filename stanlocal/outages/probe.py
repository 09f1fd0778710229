"""The outage probe: a client that publishes continuously and measures the times without an ack."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import TYPE_CHECKING

from stanlocal.history.occurrences import Outage
from stanlocal.outages.silence import SilenceMeter
from stanlocal.util.timestamps import from_ns

if TYPE_CHECKING:
    from stanlocal.stan.client import Client

CHANNEL = "stanlocal.probe"
"""Channel of the probe's messages: always the same one, as a STAN channel cannot be deleted."""

_INTERVAL_S = 0.005
_SAMPLE_S = 0.005
_ACK_TIMEOUT_S = 24 * 3600.0
"""The probe does not give up: the length of the outage is its result."""


async def outages(
    client: Client, *, channel: str = CHANNEL, meter: SilenceMeter | None = None
) -> AsyncGenerator[Outage]:
    """Yield each outage once it is over, until cancelled.

    `client` must publish with `retry`. Times are exact to some 5 ms. A caller that hands in the meter can ask
    it for an outage that still lasts. Raises `StanError` when the client is lost for good.
    """
    meter = SilenceMeter() if meter is None else meter
    while True:
        meter.published(time.time_ns())
        publish = asyncio.ensure_future(client.publish(channel, b"probe", timeout=_ACK_TIMEOUT_S))
        try:
            await _watch_connection(client, publish, meter)
            await publish
        finally:
            publish.cancel()
        silence = meter.acked(time.time_ns())
        if silence is not None and silence.last_ack is not None:
            yield replace(silence.outage(), last_ack=from_ns(silence.last_ack))
        await asyncio.sleep(_INTERVAL_S)


async def _watch_connection(client: Client, publish: asyncio.Future[str], meter: SilenceMeter) -> None:
    """Report a broken connection to the meter, until the publish is done."""
    while not publish.done():
        await asyncio.wait([publish], timeout=_SAMPLE_S)
        nats = client.nats
        if not publish.done() and (nats is None or not nats.is_connected):
            meter.disconnected(time.time_ns())
