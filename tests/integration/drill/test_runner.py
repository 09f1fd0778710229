"""Drills run from Python, on a group that is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stanlocal import drill
from stanlocal.api import FTGroup
from stanlocal.drill.runner import Drill
from stanlocal.drill.scenario.scenario import Scenario
from stanlocal.errors import Refused
from stanlocal.model.states import GroupState

AWAY = """
[load]
rate = 100
[[step]]
do = "kill"
targets = "@standby"
after = 0.2
for = "10m"
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """A standby is killed, and stays away for as long as the drill is let."""
    file = tmp_path / "away.toml"
    file.write_text(AWAY)
    return drill.load_scenario(file)


async def under_fault(running: Drill) -> None:
    """Until a fault is in force in it."""
    async with asyncio.timeout(60):
        while not running.progress.faults:  # noqa: ASYNC110 - it is polled, as those who show it do
            await asyncio.sleep(0.02)


async def test_a_drill_that_is_stopped_heals_and_is_judged(
    group: FTGroup, scenario: Scenario, tmp_path: Path
) -> None:
    said: list[str] = []
    running = Drill(scenario, here=group, seed=5, ledger=tmp_path / "a.ledger", report=said.append)
    task = asyncio.create_task(running.run())
    await under_fault(running)
    progress = running.progress
    assert (progress.steps, progress.of_steps) == (1, 1)
    assert progress.status is not None
    assert progress.status.state is GroupState.DEGRADED
    assert running.stop()
    outcome = await asyncio.wait_for(task, 90)
    assert outcome.verdict.ok, outcome.verdict.problems
    assert (outcome.ended, outcome.header.seed) == ("interrupted", 5)
    assert outcome.verdict.findings.acked > 0
    assert (await group.look()).status.state is GroupState.HEALTHY
    assert any(line.startswith("step 1: kill @standby") for line in said)
    assert drill.judged(tmp_path / "a.ledger").document() == outcome.document()


async def test_a_drill_that_is_cancelled_heals_and_leaves_its_ledger(
    group: FTGroup, scenario: Scenario, tmp_path: Path
) -> None:
    running = Drill(scenario, here=group, ledger=tmp_path / "a.ledger")
    task = asyncio.create_task(running.run())
    await under_fault(running)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await group.look()).status.state is GroupState.HEALTHY
    outcome = drill.judged(tmp_path / "a.ledger")
    assert outcome.ended == "killed"
    assert outcome.verdict.findings.lost == 0


async def test_a_group_that_is_not_healthy_is_refused_and_left_as_it_is(
    group: FTGroup, scenario: Scenario, tmp_path: Path
) -> None:
    await group.kill("@standby")
    with pytest.raises(Refused, match="needs a healthy group"):
        await drill.run(scenario, here=group, ledger=tmp_path / "a.ledger")
    assert not (tmp_path / "a.ledger").exists()
    assert (await group.look()).status.state is GroupState.DEGRADED
