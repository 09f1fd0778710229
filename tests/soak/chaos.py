"""Chaos for half an hour: the verdict is good, memory stays flat, and nothing more is held at the end."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stanlocal.api import FTGroup
from stanlocal.drill.scenario.scenario_file import load_scenario
from tests.soak.judged_drills import UP_S, drill_on, result, with_nodes
from tests.soak.resources import held, memory
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial

MINUTES = 30
"""Minutes of a whole trial, its units; the short version has fewer."""
_PANIC = "claims to be active, aborting"
"""Last words of a server that took the lock of one that was ending, and heard that one."""


def chaos(trial: Trial, folder: Path) -> Result:
    """Run `chaos-monkey` for as many minutes as the trial has units."""
    return asyncio.run(_chaos(trial, folder))


async def _chaos(trial: Trial, folder: Path) -> Result:
    engine = trial.case.split("-")[0]
    scenario = with_nodes(load_scenario("chaos-monkey"), trial.case)
    await _warm_up(trial.case)
    name = f"soak-chaos-{trial.seed:08x}"
    before = held(name, engine == "docker")
    group = FTGroup(group=name, engine=engine, nodes=scenario.nodes, timeout=UP_S, purge=True)
    async with memory() as sampled, group:
        drill = replace(scenario, duration_s=trial.units * 60.0)
        began = time.monotonic()
        outcome = await drill_on(group, drill, trial, folder)
        minutes = min(trial.units, round((time.monotonic() - began) / 60))  # one that goes wrong ends early
    gc.collect()
    more = held(name, engine == "docker").more_than(before)
    found = result(outcome, minutes)
    figures = {**found.figures, "growth_kb": [sampled.growth / 1024]}
    counts = {**found.counts, "faults": outcome.verdict.findings.faults}
    stopped, others = _stopped_by_panic(found.problems)
    return replace(
        found,
        problems=[*others, *more, *sampled.problems()],
        explained=[*found.explained, *stopped],
        counts=counts,
        figures=figures,
    )


def _stopped_by_panic(problems: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the steps that a drill did not reach because a server had panicked, and the other problems."""
    steps = [each for each in problems if each.startswith(("step ", "healing: "))]
    if not any(_PANIC in each for each in steps):
        return [], [*problems]
    return steps, [each for each in problems if each not in steps]


async def _warm_up(case: str) -> None:
    """Bring a group up and down, so that what is loaded and opened once is there before the first count."""
    engine, nodes, *_ = case.split("-")
    group = FTGroup(engine=engine, nodes=int(nodes), timeout=UP_S)
    async with group, group.connect("warm") as client:
        await client.publish("warm", b"1")


CHAOS = Row(
    name="chaos",
    title="Half an hour of whatever can happen to nodes",
    how="`chaos-monkey` drills of 30 minutes on groups of three nodes, each with another seed. The "
    "drill runs in one process, whose resident memory is sampled every two seconds and may "
    "grow by 2 MB after the first minutes, the allocator's caches for each thread switched off: they fill "
    "up for an hour, which looks like a leak. The process's "
    "descriptors, threads and tasks, and the group's containers, networks, processes and folders "
    "are counted before and after. A drill ends early where a server panics by itself; others make up for "
    "its minutes.",
    unit="minutes",
    wanted=90,
    per_trial=MINUTES,
    cases=("docker-3",),
    run=chaos,
    none_of={"lost": "acknowledged messages lost"},
    shown={
        "faults": "faults",
        "failovers": "failovers",
        "lost_by_server": "lost by the server itself",
        "acknowledged": "messages acknowledged",
        "delivered": "deliveries",
        "again": "of them again",
    },
    figures={"outage_ms": "Outages as the publishers saw them"},
    environment={"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"},
)
