"""A disk that fills at random points: nothing acknowledged is lost, and the group comes back.

It is that of the store, of the state folder or of temporary files.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from stanlocal.drill.scenario.scenario_file import load_scenario
from tests.soak.full_folders import DONE, REFUSED, fill_folder
from tests.soak.judged_drills import drill_on, own_group, repeated, result, with_nodes
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial

SCENARIO = Path(__file__).parent / "scenarios" / "disk-full.toml"
_STORE_SIZE = "32mb"


def fill(trial: Trial, folder: Path) -> Result:
    """Fill the store, or the folder that the case names, as often as the trial has units."""
    if trial.case.count("-") > 1:
        return fill_folder(trial, folder)
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
    how="the store: drills of 5 rounds on groups of their own, in which it is filled 0.2 to 4 s after the "
    "group is healthy, under a load of messages of 128 bytes to 20 KB; when no node runs any more the "
    "room is given back and the group started again, dropping a torn record where the servers refuse "
    "it. The state folder and the folder of temporary files: each on a file system of 8 MB, of which "
    "0 to 8 pages are left at a random point of a command that changes something, or writes temporary "
    "files. The command has to succeed or to fail in one line that says why, `status` and, with a full "
    "state folder, `down` have to work without a free byte, and once there is room `up` has to bring "
    "the group to healthy, with every message, and `down --purge` to leave nothing.",
    unit="full disks",
    wanted=50,
    per_trial=5,
    cases=(
        "docker-2-state",
        "process-2",
        "docker-2-temporary",
        "process-2-state",
        "docker-2",
        "process-2-temporary",
    ),
    run=fill,
    none_of={"lost": "acknowledged messages lost"},
    shown={
        "acknowledged": "messages acknowledged",
        "delivered": "deliveries",
        "unanswered": "unanswered",
        REFUSED: "commands that failed in a clear line",
        DONE: "commands that did their work nevertheless",
    },
    figures={"outage_ms": "Outages as the publishers saw them, until the group served again"},
)
