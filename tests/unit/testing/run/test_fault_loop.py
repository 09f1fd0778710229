"""The loop of faults, on a group in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stanlocal import FTGroup, GroupState
from stanlocal.testing import FakeEngine
from stanlocal.testing.run import fault_loop
from stanlocal.testing.run.fault_loop import FaultLoop
from stanlocal.testing.run.planned_fault import plan_faults


@pytest.fixture
async def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FTGroup]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with FTGroup(engine=FakeEngine()) as group:
        yield group


def loop(group: FTGroup, *given: tuple[str, str | float], seed: int = 1) -> FaultLoop:
    return FaultLoop(group, plan_faults(given), 2, seed, lambda line: None)


async def faults(group: FTGroup, count: int) -> list[str]:
    """Wait until that many faults were injected and all but the last are over; name the first ones."""
    while len(found := await group.faults()) < count or any(each.in_force for each in found[: count - 1]):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return [" ".join([each.name, *each.targets]) for each in found[:count]]


async def test_a_fault_is_injected_over_and_over_and_healed_each_time(group: FTGroup) -> None:
    playing = asyncio.create_task(loop(group, ("fault", "kill:@active"), ("every", 0.1)).play())
    names = await asyncio.wait_for(faults(group, 4), 60)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    (first, _), *_ = targets = [(name.split()[1], name) for name in names]
    assert [name for name, _ in targets[::2]] == [first, first], "each failover makes the other node active"
    await group.wait_state(GroupState.HEALTHY)


async def test_a_fault_without_an_end_lasts_until_it_is_healed_at_the_end(group: FTGroup) -> None:
    faulty = loop(group, ("fault", "pause:@active"), ("after", 0.0))
    await asyncio.wait_for(faulty.play(), 60)
    assert faulty.problem is None
    assert (await group.look()).status.state is GroupState.BLOCKED
    await faulty.heal()
    await group.wait_state(GroupState.HEALTHY)


async def test_the_same_seed_hits_the_same_nodes_whatever_else_is_planned(group: FTGroup) -> None:
    drawn = ("fault", "pause:@any:0s"), ("every", 0.1)

    async def played(*given: tuple[str, str | float]) -> list[str]:
        begun = len(await group.faults())
        playing = asyncio.create_task(loop(group, *given, seed=7).play())
        while sum(each.name == "pause" for each in (await group.faults())[begun:]) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        return [each.targets[0] for each in (await group.faults())[begun:] if each.name == "pause"][:4]

    alone = await asyncio.wait_for(played(*drawn), 60)
    assert len(set(alone)) == 2
    beside = ("fault", "restart:@standby"), ("every", 0.15)
    assert await asyncio.wait_for(played(*drawn, *beside), 60) == alone


async def test_a_group_that_does_not_become_healthy_ends_the_faults_with_the_reason(
    group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_loop, "HEALTHY_S", 0.1)
    await group.kill("@standby")
    faulty = loop(group, ("fault", "kill:@active"), ("every", 0.1))
    await asyncio.wait_for(faulty.play(), 60)
    assert faulty.problem is not None
    assert faulty.problem.startswith("no fault was injected after kill @active failed: ")
