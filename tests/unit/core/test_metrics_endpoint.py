"""The metrics of a group whose watch fails: said to be outdated, and watched again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from stanlocal.errors import GroupNotFound
from stanlocal.faults import injection
from stanlocal.faults.kill import Kill
from stanlocal.metrics.endpoint import Endpoint, opened
from tests.support.world import World


async def samples(endpoint: Endpoint) -> dict[str, float]:
    """The group's samples without labels; of several with one name the last."""
    text, _ = await endpoint.answer()
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in lines}


async def until(endpoint: Endpoint, reached: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    async with asyncio.timeout(5):
        while not reached(found := await samples(endpoint)):  # noqa: ASYNC110 - as a scraper does
            await asyncio.sleep(0.01)
    return found


async def test_a_watch_that_fails_is_said_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up()
    group = world.group()
    said: list[str] = []
    async with opened(group, said.append, retry_s=0.01) as endpoint:
        found = await samples(endpoint)
        assert found["stanlocal_up"] == 1
        assert "stanlocal_node_state" in found
        with monkeypatch.context() as broken:
            broken.setattr(group.home.journal, "size", lambda: 1 / 0)
            found = await until(endpoint, lambda found: found["stanlocal_up"] == 0)
            assert "stanlocal_node_state" not in found
            assert "stanlocal_monitor_up" not in found
            assert "division by zero" in said[0]
        found = await until(endpoint, lambda found: found["stanlocal_up"] == 1)
    assert "stanlocal_node_state" in found
    assert said[-1] == "t is watched again"


async def test_an_engine_that_is_lost_leaves_no_outdated_states(world: World) -> None:
    await world.up()
    async with opened(world.group(), retry_s=0.01) as endpoint:
        with world.machine.losing_engine("no engine answers"):
            found = await until(endpoint, lambda found: found["stanlocal_up"] == 0)
            assert "stanlocal_group_state" not in found
        await until(endpoint, lambda found: found["stanlocal_up"] == 1)


async def test_a_group_that_cannot_be_watched_at_first_is_an_error(world: World) -> None:
    with pytest.raises(GroupNotFound):
        async with opened(world.group()):
            pytest.fail("opened")


async def test_outages_that_clients_saw_are_counted_past_ones_and_new_ones(world: World) -> None:
    await world.up()
    await fail_over(world, "t-0")
    async with opened(world.group()) as endpoint:
        found = await until(endpoint, lambda found: found["stanlocal_failover_seconds_count"] == 1)
        assert found["stanlocal_outage_seconds_count"] == 1
        await fail_over(world, "t-1")
        found = await until(endpoint, lambda found: found["stanlocal_outage_seconds_count"] == 2)
        assert found["stanlocal_failover_seconds_count"] == 2


async def fail_over(world: World, node: str) -> None:
    """Kill the active node and bring it up again; record an outage that lasted until another was ready."""
    begun = datetime.now(UTC)
    await injection.inject(world.group(), Kill(), [node])
    await world.up()
    ready = (await world.group().failovers())[-1].ready_at
    world.home.journal.outage_seen(begun, None, ready + timedelta(milliseconds=1))
