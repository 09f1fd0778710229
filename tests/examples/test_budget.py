"""A drill as a test: the service is back within a budget when the active node dies, every time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from stanlocal import FTGroup
from stanlocal.stan import Client

pytestmark = pytest.mark.docker

BUDGET = timedelta(seconds=5)
"""What the callers of this service put up with; a failover on a quiet machine takes about one."""


@pytest.mark.stan(nodes=3)
async def test_two_failovers_keep_the_budget(
    stan_group: FTGroup, stan_client: Client, stan_channel: str
) -> None:
    for _ in range(2):
        async with asyncio.timeout(BUDGET.total_seconds()):
            fault = await stan_group.kill("@active")
            await stan_client.publish(stan_channel, b"are you there?")
        failover = await fault.failover()
        assert timedelta(milliseconds=failover.server_ms) < BUDGET
