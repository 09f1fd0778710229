"""Outcomes of faults, taken from the history when they were not observed."""

from __future__ import annotations

import pytest

from stanlocal.faults import healing, injection
from stanlocal.faults.kill import Kill
from stanlocal.faults.outcome import with_outcomes
from stanlocal.model.states import GroupState
from tests.support.world import World


@pytest.mark.parametrize("way", ["heal", "start"])
async def test_effects_of_healing_are_not_taken_for_effects_of_the_fault(
    world: World, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The nodes are up again before the healing is on record."""
    await world.up()
    group = world.group()
    start = type(group).start

    async def until_healthy(self: object, name: str) -> None:
        await start(group, name)
        await group.wait(
            lambda status: status.state is GroupState.HEALTHY, timeout=3, waiting_for="a healthy group"
        )

    await injection.inject(group, Kill())
    await group.wait(lambda status: status.active == "t-1", timeout=3, waiting_for="the other node")
    monkeypatch.setattr(type(group), "start", until_healthy)
    await (healing.heal(group) if way == "heal" else healing.start(group, ["t-0"]))
    [found] = await with_outcomes(group)
    assert found.as_expected is True, (found.expected, found.observed)
    assert found.observed is not None
    assert found.observed.endswith("the group is degraded")
