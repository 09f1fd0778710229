"""A group that was stopped as a whole and started again has no failover, whichever node serves then."""

from __future__ import annotations

import pytest

from stanlocal.faults import injection
from stanlocal.faults.kill import Kill
from stanlocal.history.failovers import Failover
from stanlocal.lifecycle.down import down
from stanlocal.model.states import GroupState
from tests.support.world import World


async def up_with_another_active(world: World, timeout: float | None = None) -> None:
    """Bring the group up again, so that not the node serves that served before."""
    assert (await world.group().look()).status.active == "t-1"
    await down(world.group(), timeout=timeout)
    look = await world.up()  # starts t-0 first
    assert (look.status.active, look.status.state) == ("t-0", GroupState.HEALTHY)


async def serve_from_the_second_node(world: World) -> Failover:
    """Bring a group up and kill its first active node."""
    await world.up()
    await injection.inject(world.group(), Kill(), ["t-0"])
    assert (await world.up()).status.active == "t-1"
    (failover,) = await world.group().failovers()
    return failover


def shown(failovers: list[Failover]) -> list[tuple[str, str, str]]:
    return [(each.cause, each.from_node, each.to_node) for each in failovers]


@pytest.mark.parametrize("timeout", [None, 0.0], ids=["SIGTERM", "SIGKILL"])
async def test_a_down_and_an_up_are_no_failover(world: World, timeout: float | None) -> None:
    before = await serve_from_the_second_node(world)
    await up_with_another_active(world, timeout)
    assert await world.group().failovers() == [before]
    assert [each.type for each in await world.group().events()].count("failover") == 1


async def test_failovers_after_an_up_are_found(world: World) -> None:
    before = await serve_from_the_second_node(world)
    await up_with_another_active(world)
    await injection.inject(world.group(), Kill(), ["t-0"])
    await world.up()
    assert shown(await world.group().failovers()) == [*shown([before]), ("kill", "t-0", "t-1")]


async def test_the_events_say_that_the_group_was_down(world: World) -> None:
    await serve_from_the_second_node(world)
    await up_with_another_active(world, 0)
    states = [each.detail["to"] for each in await world.group().events() if each.type == "group-state"]
    assert "down" in states
    assert states[-1] == "healthy"
