"""The way of a line from a pod's log to the API: its stamp is the container runtime's."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from stanlocal.api import FTGroup, core_of
from tests.bench.group.rows import Row, median, p99
from tests.bench.kubernetes.site import sites
from tests.kubernetes.guides_group import opened
from tests.kubernetes.volumes import make_claim

MEDIAN_MS, P99_MS = 50, 250
_EVERY_S = 0.02
_NO_LIMIT = "STANLOCAL_STREAMING__STORE_LIMITS__MAX_CHANNELS"
_TIMEOUT_S = 120.0


async def rows(count: int) -> list[Row]:
    """Measure `count` lines: a server writes one for each new channel."""
    async with sites() as site:
        make_claim(site.cluster, site.namespace, "stan-store")
        os.environ[_NO_LIMIT] = "0"
        await asyncio.to_thread(site.cli().ok, "up")
        async with opened(site) as group:
            lags = await _lags(group, count)
    middle, slow = median(lags), p99(lags)
    return [
        Row(
            f"stamp of a line in a pod's log to the line in the API, {count} lines",
            f"median {middle:.0f} ms, p99 {slow:.0f} ms",
            "",
            "",
            f"median at most {MEDIAN_MS} ms, p99 {P99_MS} ms",
            middle <= MEDIAN_MS and slow <= P99_MS,
        )
    ]


async def _lags(group: FTGroup, count: int) -> list[float]:
    mark, lags = secrets.token_hex(4), []
    core = await core_of(group)
    async with asyncio.timeout(_TIMEOUT_S), aclosing(core.follow_logs()) as batches:
        writing = asyncio.create_task(_write(group, mark, count))
        async for batch in batches:
            now = datetime.now(UTC)
            lags += [
                (now - each.line.time) / timedelta(milliseconds=1) for each in batch if mark in each.line.text
            ]
            if len(lags) >= count:
                break
        await writing
    return lags


async def _write(group: FTGroup, mark: str, count: int) -> None:
    async with group.connect() as client:
        for number in range(count):
            await client.publish(f"{mark}.{number}", b"")
            await asyncio.sleep(_EVERY_S)
