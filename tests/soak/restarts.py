"""Restarts, stops and kills of the active while `pub` publishes: the client always comes back."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from stanlocal.drill.scenario.scenario_file import load_scenario
from tests.soak.busy import busy_cores
from tests.soak.judged_drills import drill_on, keep, own_group, repeated, result, with_nodes
from tests.soak.numbers import LASTING, SHORT, missing, numbers, short_pubs
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial
from tests.support.cli import Cli

SCENARIO = Path(__file__).parent / "scenarios" / "restarts.toml"
BUSY = "busy"
"""Last part of a case whose trials keep all cores busy."""
_RATE = 50.0
"""Lines a second for `pub`."""


def restart(trial: Trial, folder: Path) -> Result:
    """Run the drill beside a `pub` that is fed until the drill is over."""
    with ExitStack() as stack:
        if trial.case.endswith(BUSY):
            stack.enter_context(busy_cores())
        return asyncio.run(_restart(trial, folder))


async def _restart(trial: Trial, folder: Path) -> Result:
    scenario = repeated(with_nodes(load_scenario(SCENARIO), trial.case), trial.units)
    async with own_group(trial.case) as group:
        cli = Cli(folder, group=(await group.look()).plan.group)
        async with numbers(cli, rate=_RATE) as lasting, short_pubs(cli) as short:
            outcome = await drill_on(group, scenario, trial, folder)
            problems = [*await short.end(), *await lasting.end()]
        lost = 0
        for channel, sent in ((LASTING, lasting.sent), (SHORT, short.sent)):
            if absent := await missing(group, channel, sent):
                problems.append(f"{len(absent)} of {sent} numbers on {channel} are not stored: {absent[:20]}")
                lost += len(absent)
        if problems:
            await keep(group, folder)
    found = result(outcome, outcome.verdict.findings.faults)
    counts = {**found.counts, "lines": lasting.sent, "pubs": short.sent, "numbers_lost": lost}
    return replace(found, problems=[*found.problems, *problems], counts=counts)


RESTARTS = Row(
    name="restarts",
    title="Restarts, stops and kills of the active node while clients publish",
    how="drills of 10 ends each, drawn from `restart`, `stop` and `kill` of the active, on groups of "
    "their own, at 100 messages a second; in the cases named `busy` all cores are kept busy by other "
    "processes. Beside the drill's clients one `stanlocal pub` is fed 50 numbered lines a second "
    "from the first moment to the last, and others, one after the other, publish one number each: "
    "all have to end with 0, and the channels have to hold every number.",
    unit="ends",
    wanted=300,
    per_trial=10,
    cases=("docker-2", "process-2", "docker-2-busy", "docker-3", "process-3", "process-2-busy"),
    run=restart,
    none_of={"lost": "acknowledged messages lost", "numbers_lost": "numbers of `pub` lost"},
    shown={
        "lost_by_server": "lost by the server itself",
        "failovers": "failovers",
        "acknowledged": "messages acknowledged",
        "lines": "lines of the lasting `pub`",
        "pubs": "short `pub`s",
        "again": "deliveries again",
    },
    figures={"outage_ms": "Outages as the publishers saw them, from the end to the first ack"},
)
