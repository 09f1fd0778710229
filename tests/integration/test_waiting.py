"""Waits of `FTGroup`, on the group that the plugin hands out."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from stanlocal import FTGroup
from stanlocal.errors import WaitTimeout
from stanlocal.faults.pause import Pause

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module", autouse=True)
def _image(server_image: str) -> None:
    """Before the group is asked for."""


async def _state(group: FTGroup) -> object:
    return (await group.document())["state"]


async def test_wait_failover_gives_the_one_that_comes(stan_group: FTGroup) -> None:
    before = await stan_group.wait_active()
    waiting = asyncio.create_task(stan_group.wait_failover(timeout=20))
    await asyncio.sleep(0)  # it has begun, and counts from now
    await stan_group.kill("@active")
    failover = await waiting
    assert (failover.from_node, failover.cause) == (before, "kill")
    assert await stan_group.wait_active() == failover.to_node


async def test_wait_failover_gives_an_earlier_one_since_a_moment(stan_group: FTGroup) -> None:
    since = datetime.now(UTC)
    fault = await stan_group.kill("@active")
    failover = await fault.failover(timeout=20)
    assert await stan_group.wait_failover(since=since, timeout=5) == failover


async def test_during_failover_leaves_a_healthy_group(stan_group: FTGroup) -> None:
    async with stan_group.during_failover() as fault:
        assert await _state(stan_group) != "healthy"
    assert await _state(stan_group) == "healthy"
    assert not any(each.in_force for each in await stan_group.faults())
    assert fault.name == "kill"


async def test_during_failover_heals_when_its_block_raises(stan_group: FTGroup) -> None:
    with pytest.raises(RuntimeError, match="mine"):
        async with stan_group.during_failover():
            raise RuntimeError("mine")
    assert await stan_group.wait_active()
    assert not any(each.in_force for each in await stan_group.faults())


async def test_during_failover_says_that_a_fault_brought_none(stan_group: FTGroup) -> None:
    with pytest.raises(WaitTimeout, match="a failover: not reached after 1 s"):
        async with stan_group.during_failover(Pause(), timeout=1):
            pass
    assert (await stan_group.wait_state("healthy")).active is not None


def test_the_blocking_view_is_of_the_same_group(stan_group: FTGroup) -> None:
    group = stan_group.sync
    with group.during_failover() as fault:
        assert fault.targets
    assert group.document()["state"] == "healthy"
    events = group.events()
    assert any(event.type == "failover" for event in events)
