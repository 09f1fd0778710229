"""Timed faults: observed, and healed when their time is up, observer or not."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta

import pytest

from stanlocal.errors import EngineUnavailable, GroupNotFound, SettingsError
from stanlocal.faults import healing, injection, outcome
from stanlocal.faults.injected_fault import InjectedFault
from stanlocal.faults.pause import Pause
from stanlocal.group.core import Group
from stanlocal.lifecycle.down import down
from stanlocal.model.fault_record import FaultRecord
from tests.support.world import World


@pytest.fixture(autouse=True)
def _nobody_looks_on_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stanlocal.faults.expectation.NO_TAKEOVER_S", 0.01)


async def freeze(world: World, seconds: float | None) -> InjectedFault:
    """The active node is frozen for so long."""
    await world.up()
    group = world.group()
    return InjectedFault(group, await injection.inject(group, Pause(), for_s=seconds))


def status(world: World) -> str:
    return world.machine.nodes["t-0"].status


async def test_the_outcome_is_reported_while_the_fault_lasts_and_then_it_is_healed(world: World) -> None:
    injected = await freeze(world, 0.3)
    seen: list[tuple[str, bool | None]] = []
    healed = await injected.wait_and_heal(lambda record: seen.append((status(world), record.as_expected)))
    assert seen == [("paused", True)]
    assert (status(world), healed.in_force, healed.as_expected) == ("running", False, True)
    assert healed.healed_at is not None
    assert injected.record.until is not None
    assert healed.healed_at >= injected.record.until


async def test_one_that_is_to_be_over_at_once_is(world: World) -> None:
    healed = await (await freeze(world, 0)).wait_and_heal()
    assert not healed.in_force
    assert status(world) == "running"


async def test_cancelled_it_is_healed_at_once(world: World) -> None:
    injected = await freeze(world, 3600)
    seen = asyncio.Event()
    lasting = asyncio.create_task(injected.wait_and_heal(lambda record: seen.set()))
    await seen.wait()
    lasting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lasting
    assert status(world) == "running"
    assert not injection.recorded(injected._group, injected.record.id).in_force


async def test_it_is_healed_although_it_cannot_be_observed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def blind(group: Group, fault: FaultRecord, *, at_most: float | None = None) -> FaultRecord:
        raise EngineUnavailable("the engine does not answer")

    injected = await freeze(world, 3600)
    monkeypatch.setattr(outcome, "watch_outcome", blind)
    with pytest.raises(EngineUnavailable):
        await injected.wait_and_heal()
    assert status(world) == "running"


async def test_its_time_counts_from_its_effect(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    inject = Pause.inject
    effect: list[datetime] = []

    async def slowly(fault: Pause, scene: object) -> object:
        await asyncio.sleep(0.05)
        times = await inject(fault, scene)  # type: ignore[arg-type]
        effect.append(datetime.now(UTC))
        return times

    monkeypatch.setattr(Pause, "inject", slowly)
    injected = await freeze(world, 60)
    assert injected.record.until is not None
    assert injected.record.until >= effect[0] + timedelta(seconds=60)


async def test_one_without_an_end_has_to_be_healed(world: World) -> None:
    injected = await freeze(world, None)
    with pytest.raises(SettingsError, match="pause has no end of its own"):
        await injected.wait_and_heal()
    assert status(world) == "paused"


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf, 1e12])
async def test_a_time_that_cannot_be_is_refused_before_anything_is_touched(
    seconds: float, world: World
) -> None:
    with pytest.raises(SettingsError, match="a fault cannot last"):
        await freeze(world, seconds)
    assert status(world) == "running"
    assert not world.home.journal.faults()


async def test_heal_returns_the_overdue_faults_that_it_has_undone(world: World) -> None:
    injected = await freeze(world, 0)
    assert [fault.id for fault in await healing.heal(world.group(), ["t-1"])] == []
    second = await injection.inject(world.group(), Pause(), ["t-0"], for_s=0)
    healed = await healing.heal(world.group())
    assert [(fault.id, fault.in_force) for fault in healed] == [(second.id, False)]
    assert injected.record.id != second.id
    assert status(world) == "running"


async def test_one_whose_group_was_purged_and_made_again_meanwhile_says_so(world: World) -> None:
    injected = await freeze(world, 3600)
    await down(world.group(), timeout=0, purge_store=True)
    await world.up()
    with pytest.raises(GroupNotFound, match="group 't' was purged meanwhile"):
        await injected.heal()
    with pytest.raises(GroupNotFound, match="group 't' was purged meanwhile"):
        await injected.outcome(at_most=0)
