"""A disk that fills at random points: nothing acknowledged is lost, and the group comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stanlocal.drill.scenario.scenario_file import load_scenario
from tests.soak.judged_drills import drill_on, own_group, repeated, result, with_nodes
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial

SCENARIO = Path(__file__).parent / "scenarios" / "disk-full.toml"
_STORE_SIZE = "32mb"


def fill(trial: Trial, folder: Path) -> Result:
    """Fill the store as often as the trial has units, each time at another moment."""
    return asyncio.run(_fill(trial, folder))


async def _fill(trial: Trial, folder: Path) -> Result:
    scenario = repeated(with_nodes(load_scenario(SCENARIO), trial.case), trial.units)
    limit = _STORE_SIZE if trial.case.startswith("docker") else None  # a process has its limit by itself
    async with own_group(trial.case, store_size=limit) as group:
        outcome = await drill_on(group, scenario, trial, folder)
    return result(outcome, outcome.verdict.findings.faults)


DISK_FULL = Row(
    name="disk-full",
    title="A disk that fills at random points",
    how="drills of 5 rounds on groups of their own: the store is filled 0.2 to 4 s after the group is "
    "healthy, under a load of messages of 128 bytes to 20 KB; when no node runs any more the room "
    "is given back and the group started again, dropping a torn record where the servers refuse it.",
    unit="full disks",
    wanted=50,
    per_trial=5,
    cases=("docker-2", "process-2"),
    run=fill,
    none_of={"lost": "acknowledged messages lost"},
    shown={"acknowledged": "messages acknowledged", "delivered": "deliveries", "unanswered": "unanswered"},
    figures={"outage_ms": "Outages as the publishers saw them, until the group served again"},
)
