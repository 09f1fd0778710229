"""Kills of the active node under load: nothing acknowledged is lost, and each one fails over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from stanlocal.drill.analysis.outcome import Outcome
from stanlocal.drill.scenario.scenario import with_kills
from stanlocal.drill.scenario.scenario_file import load_scenario
from tests.soak.judged_drills import drill_on, own_group, result, with_nodes
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial


def kill(trial: Trial, folder: Path) -> Result:
    """Run `kill-loop` with as many kills as the trial has."""
    return asyncio.run(_kill(trial, folder))


async def _kill(trial: Trial, folder: Path) -> Result:
    scenario = with_kills(with_nodes(load_scenario("kill-loop"), trial.case), trial.units)
    async with own_group(trial.case) as group:
        outcome = await drill_on(group, scenario, trial, folder)
    found = result(outcome, outcome.verdict.findings.faults)
    return replace(found, problems=[*found.problems, *_failovers(outcome, trial.units)])


def _failovers(outcome: Outcome, kills: int) -> list[str]:
    """Return what is not as expected: one failover for each kill, to another node."""
    failovers = outcome.verdict.findings.failovers
    problems = [
        f"a failover from {each['from']} to {each['to']} after '{each['cause']}', which is no kill's"
        for each in failovers
        if each["cause"] != "kill" or each["from"] == each["to"]
    ]
    if len(failovers) != kills:
        problems.append(f"{len(failovers)} failovers after {kills} kills")
    return problems


KILLS = Row(
    name="kills",
    title="Kills of the active node under load",
    how="`kill-loop` drills of 20 kills each, at 200 messages a second; the active is killed by SIGKILL "
    "0.3 to 1 s after the group is healthy again. Each drill has a group of its own and its ledger "
    "is checked message by message, against what each subscriber had and against the store at the "
    "end.",
    unit="kills",
    wanted=1000,
    per_trial=20,
    cases=("docker-2", "process-2", "docker-3", "process-3"),
    run=kill,
    none_of={"lost": "acknowledged messages lost"},
    shown={
        "lost_by_server": "lost by the server itself",
        "failovers": "failovers",
        "acknowledged": "messages acknowledged",
        "delivered": "deliveries",
        "again": "of them again",
        "unanswered": "messages never answered",
    },
    figures={"outage_ms": "Outages as the publishers saw them, from the kill to the first ack"},
)
