"""The loop that injects planned faults, one after the other, while a command runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

from stanlocal.api import FTGroup
from stanlocal.drill.store_repair import repair_if_torn
from stanlocal.errors import StanlocalError
from stanlocal.faults.injected_fault import InjectedFault
from stanlocal.lifecycle.planner import Report
from stanlocal.model.states import GroupState
from stanlocal.testing.run.planned_fault import PlannedFault
from stanlocal.util.tasks import run_to_end

HEALTHY_S = 60.0
"""Seconds that the group has to become healthy before a fault, or no further one is injected."""


class FaultLoop:
    """Injector of planned faults; each seed draws the same targets, whatever the other faults do."""

    def __init__(
        self, group: FTGroup, planned: Sequence[PlannedFault], nodes: int, seed: int, report: Report
    ) -> None:
        self._group = group
        self._planned = planned
        self._nodes = nodes
        self._random = [Random(f"{seed} {index}") for index in range(len(planned))]
        self._report = report
        self._lasting: list[InjectedFault] = []
        """Faults that nothing heals before the command ends."""
        self.problem: str | None = None
        """Why no further fault was injected; None while all went as planned."""

    async def play(self) -> None:
        """Inject each fault when it is due, until cancelled, or until a fault fails: see `problem`.

        Before each the group is awaited to be healthy again, so that faults do not add up; a fault that is
        late for that reason leaves its missed times out. A fault that is cut off by a cancellation is healed.
        """
        clock = asyncio.get_running_loop().time
        begun = clock()
        due: dict[int, float] = {index: each.first_s for index, each in enumerate(self._planned)}
        while due:
            index = min(due, key=due.__getitem__)
            fault = self._planned[index]
            await asyncio.sleep(max(0.0, begun + due[index] - clock()))
            try:
                await self._inject(fault, self._random[index])
            except StanlocalError as error:
                self.problem = f"no fault was injected after {fault} failed: {error}"
                return
            following = fault.next_s(due.pop(index), clock() - begun)
            if following is not None:
                due[index] = following

    async def heal(self) -> list[str]:
        """Heal each fault that is still in force, and say why others could not be healed."""
        problems = []
        while self._lasting:
            fault = self._lasting.pop()
            try:
                await fault.heal()
            except StanlocalError as error:
                problems.append(f"{fault.name} {', '.join(fault.targets)} was not healed: {error}")
        return problems

    async def _inject(self, planned: PlannedFault, random: Random) -> None:
        if not self._lasting:
            await self._group.wait_state(GroupState.HEALTHY, timeout=HEALTHY_S)
        fault, targets = planned.fault, planned.drawn_targets(self._nodes, random)
        injected = await self._group.inject(fault, *targets, for_s=planned.lasts_s)
        self._report(f"{fault.name} {', '.join(injected.targets)}")
        if planned.lasts_s is not None:
            await injected.wait_and_heal()
        elif fault.leaves is None:
            await injected.outcome()
        elif fault.ends_run:
            try:
                await injected.outcome()
            finally:
                await run_to_end(injected.heal())  # also when it is the healing that is cut off
        else:
            self._lasting.append(injected)
            await injected.outcome()
        if fault.costs_data:
            await repair_if_torn(self._group)
