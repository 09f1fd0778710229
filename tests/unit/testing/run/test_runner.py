"""A command on a group in memory: its outcome, whatever it leaves of the group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stanlocal import FTGroup
from stanlocal.drill.scenario.scenario import Scenario
from stanlocal.testing import FakeEngine
from stanlocal.testing.run import runner
from stanlocal.testing.run.outage_watch import OutageWatch
from stanlocal.testing.run.planned_fault import plan_faults
from stanlocal.testing.run.runner import RunRequest, run_on


@asynccontextmanager
async def _unmeasured(group: FTGroup) -> AsyncIterator[OutageWatch]:
    yield OutageWatch()


async def _unrehearsed(scenario: Scenario, group: FTGroup) -> None:
    """Let any scenario pass."""


@pytest.fixture
async def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FTGroup]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(runner, "rehearse", _unrehearsed)  # a group in memory serves no client
    monkeypatch.setattr(runner, "watched_outages", _unmeasured)
    async with FTGroup(engine=FakeEngine()) as group:
        yield group


async def test_a_command_that_takes_the_group_down_during_a_fault_has_its_outcome(group: FTGroup) -> None:
    async def ends_the_group(variables: Mapping[str, str]) -> int:
        while not any(fault.in_force for fault in await group.faults()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await group.down(purge=True)
        return 3

    faults = plan_faults([("fault", "pause:@standby"), ("after", 0.0)])
    outcome = await asyncio.wait_for(run_on(group, RunRequest(["tests"], ends_the_group, faults)), 60)
    assert outcome.exit_code == 3
    assert "tests ended with exit code 3" in outcome.paragraph()
    (unhealed,) = [problem for problem in outcome.problems if "was not healed" in problem]
    assert unhealed.startswith("pause ")
    assert "\n" not in unhealed
