"""A drill on a group of the trial's own, judged by the drills' checker; its evidence is kept if it is bad."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from stanlocal.api import FTGroup
from stanlocal.drill.analysis.outcome import Outcome
from stanlocal.drill.analysis.verdict import judge
from stanlocal.drill.ledger.reader import read
from stanlocal.drill.runner import Drill, Script
from stanlocal.drill.scenario.scenario import Block, Scenario
from stanlocal.util.timestamps import rfc3339
from tests.soak.server_losses import explain
from tests.soak.store_overlaps import overlaps
from tests.soak.trial_log import Result, Trial

LEDGER, STORE = "ledger", "store"
UP_S = 180.0
"""Seconds that a group has to come up on a busy machine."""


@asynccontextmanager
async def own_group(case: str, *, store_size: str | None = None) -> AsyncIterator[FTGroup]:
    """A group as a case names it, `engine-nodes` and perhaps more; purged at the end."""
    engine, nodes, *_ = case.split("-")
    async with FTGroup(engine=engine, nodes=int(nodes), store_size=store_size, timeout=UP_S) as group:
        yield group


async def drill_on(
    group: FTGroup, scenario: Scenario, trial: Trial, folder: Path, script: Script | None = None
) -> Outcome:
    """Run a scenario on the group, and keep its store and logs if the verdict is bad."""
    drill = Drill(scenario, here=group, seed=trial.seed, ledger=folder / LEDGER, script=script)
    outcome = await drill.run()
    if not outcome.verdict.ok:
        await keep(group, folder)
    return outcome


async def keep(group: FTGroup, folder: Path) -> None:
    """Copy the group's store and log lines into the folder, before they are purged."""
    look = await group.look()
    store = Path(look.plan.store_dir)
    if store.is_dir():  # on a cluster it is no folder of this machine
        shutil.copytree(store, folder / STORE, dirs_exist_ok=True)
    lines = [f"{rfc3339(each.line.time)} {each.node} {each.line.text}\n" for each in await group.logs()]
    (folder / "servers.log").write_text("".join(lines), "utf-8")


def result(outcome: Outcome, units: int) -> Result:
    """Return a drill's findings; losses are problems unless the server's own way of writing explains them."""
    verdict = outcome.verdict
    found, problems, explained, lost = verdict.findings, list[str](), list[str](), 0
    if not verdict.ok:
        losses = explain(found, read(outcome.ledger), overlaps(outcome.ledger.parent / STORE))
        others = judge(found, replace(verdict.budget, max_lost=None, max_gaps=None, max_forked=None))
        problems, explained, lost = [*others.problems, *losses.unexplained], losses.explained, losses.lost
    # A busy machine has silences that no fault began: they are no outages of the server.
    outages = [each.ms for each in found.outages if each.publisher is None and each.fault is not None]
    return Result(
        units,
        problems,
        explained,
        {
            "acknowledged": found.acked,
            "delivered": found.delivered,
            "lost": lost,
            "lost_by_server": found.lost - lost,
            "again": found.duplicated,
            "unanswered": found.unknown,
            "failovers": len(found.failovers),
        },
        {"outage_ms": outages},
    )


def with_nodes(scenario: Scenario, case: str) -> Scenario:
    """Return the scenario for as many nodes as the case has."""
    return replace(scenario, nodes=int(case.split("-")[1]))


def repeated(scenario: Scenario, times: int) -> Scenario:
    """Return the scenario, which is one block, with so many rounds."""
    (block,) = scenario.steps
    assert isinstance(block, Block)
    return replace(scenario, steps=(replace(block, repeat=times),))
