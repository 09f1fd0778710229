"""The runner of a command on a group that is up: faults and measurements beside it, what came of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from stanlocal.access.environment import variables
from stanlocal.api import FTGroup, core_of
from stanlocal.drill.analysis.outcome import Outcome as DrillOutcome
from stanlocal.drill.rehearsal import rehearse
from stanlocal.drill.runner import Drill
from stanlocal.drill.scenario.scenario import Inject, Scenario, Step
from stanlocal.errors import StanlocalError
from stanlocal.lifecycle.planner import Report
from stanlocal.model.plan import GroupPlan
from stanlocal.testing.group_report import group_report
from stanlocal.testing.run.fault_loop import FaultLoop
from stanlocal.testing.run.outage_watch import OutageWatch, watched_outages
from stanlocal.testing.run.outcome import INTERRUPTED, RunOutcome
from stanlocal.testing.run.planned_fault import PlannedFault, draws
from stanlocal.util.tasks import beside

Execute = Callable[[Mapping[str, str]], Awaitable[int]]
"""Runs the command to its end with the variables given, and returns its exit code."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A command, and what is to happen to the group meanwhile."""

    command: Sequence[str]
    execute: Execute
    faults: Sequence[PlannedFault] = ()
    scenario: Scenario | None = None
    """Drill that runs beside the command."""
    max_outage_s: float | None = None
    seed: int | None = None
    """None: it is drawn."""
    reports: bool = False
    """Whether a report is written for a command that succeeds, too."""
    note: Report = lambda line: None
    """Callback that receives a line for each fault and each step of the drill."""


async def run_on(group: FTGroup, request: RunRequest) -> RunOutcome:
    """Run the command on a healthy group; at the end the faults that it injected are healed.

    All faults are checked before the command starts: raises `SettingsError` with the impossible ones, and
    `Refused` when the group is not healthy and a drill is to run.
    """
    plan, _ = await (await core_of(group)).find()
    seed = secrets.randbits(32) if request.seed is None else request.seed
    await rehearse(_scenario_of(request.faults, plan), group)
    loop = FaultLoop(group, request.faults, len(plan.nodes), seed, request.note)
    watch: OutageWatch | None = None
    async with AsyncExitStack() as stack:
        drill = await _drill(stack, group, request, seed)
        if drill is None and (request.faults or request.max_outage_s is not None):
            watch = await stack.enter_async_context(watched_outages(group))
        started = datetime.now(UTC)
        async with beside(loop.play()) as playing:
            exit_code = await request.execute(variables(plan))
            ended = datetime.now(UTC)
            if playing.done():
                playing.result()
        if watch is not None:
            watch.end()
        failures = [each for each in (loop.problem, watch.problem if watch else None) if each]
        judged, failovers, faults = None, [], []
        try:  # the command may have left anything, or nothing, of the group
            if drill is not None:
                judged = await drill.end()
            failovers = [each for each in await group.failovers() if each.started_at >= started]
            faults = [each for each in await group.faults() if each.since >= started]
        except StanlocalError as error:
            failures.append(f"what the group went through is not known: {error}")
        outcome = RunOutcome(
            command=request.command,
            exit_code=exit_code,
            started=started,
            ended=ended,
            group=plan.group,
            engine=plan.engine,
            failovers=failovers,
            faults=faults,
            outages=None if watch is None else watch.outages,
            max_outage_s=request.max_outage_s,
            seed=seed if drill is not None or draws(request.faults) else None,
            failures=failures,
            drill=judged,
        )
        outcome = await _with_report(outcome, group, request)
        return replace(outcome, failures=[*failures, *await loop.heal()])


async def _with_report(outcome: RunOutcome, group: FTGroup, request: RunRequest) -> RunOutcome:
    """Add the group's report where someone will read it, as long as the group is as the command left it."""
    if outcome.exit_code in INTERRUPTED or (outcome.ok and not request.reports):
        return outcome
    core = await core_of(group)
    try:
        events = [event for event in await core.events() if event.time >= outcome.started]
    except StanlocalError:  # the sections say why
        events = []
    sections = await group_report(group, outcome.group, outcome.started)
    return replace(outcome, events=events, sections=sections)


def _scenario_of(faults: Sequence[PlannedFault], plan: GroupPlan) -> Scenario:
    """Return the faults as a scenario, for the rehearsal that drills have."""
    steps = tuple(Step(Inject(each.fault, each.targets)) for each in faults)
    return Scenario("run", "", "", steps, nodes=len(plan.nodes))


class _BesideDrill:
    """A drill that runs beside the command."""

    def __init__(self, drill: Drill, task: asyncio.Task[DrillOutcome]) -> None:
        self._drill = drill
        self._task = task

    async def end(self) -> DrillOutcome:
        """End the drill early, unless it has ended, and return its verdict; the group is healed."""
        self._drill.stop()
        return await self._task


async def _drill(
    stack: AsyncExitStack, group: FTGroup, request: RunRequest, seed: int
) -> _BesideDrill | None:
    """Start the request's drill, if there is one; return once its load runs. The stack cancels it."""
    if request.scenario is None:
        return None
    scenario = request.scenario
    if request.max_outage_s is not None:
        scenario = replace(scenario, budget=replace(scenario.budget, max_outage=request.max_outage_s))
    drill = Drill(scenario, here=group, seed=seed, report=request.note)
    task = await stack.enter_async_context(beside(drill.run()))
    async with beside(drill.begun()) as beginning:
        await asyncio.wait({task, beginning}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    return _BesideDrill(drill, task)
