"""Drills on the shown group: choose a shipped one, watch it, stop it, show its verdict."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from textual.content import Content
from textual.screen import Screen

from stanlocal.api import FTGroup
from stanlocal.errors import StanlocalError
from stanlocal.model.command_line import Command
from stanlocal.tui.screens.pick import PickScreen
from stanlocal.tui.screens.question import Question, QuestionScreen
from stanlocal.tui.widgets.last_action import LastAction
from stanlocal.util.format import counted

if TYPE_CHECKING:  # drills take a while to import, and few are run
    from stanlocal.drill import Drill, Outcome, Progress, Scenario
    from stanlocal.drill.analysis.findings import Findings

_EVERY_S = 0.5


class DrillControl:
    """Control of one drill at a time; its coroutines run in workers of `screen`."""

    def __init__(self, screen: Screen[Any], group: FTGroup) -> None:
        self._screen = screen
        self._group = group
        self._drill: Drill | None = None
        self._running: asyncio.Task[Outcome] | None = None

    @property
    def running(self) -> bool:
        return self._running is not None and not self._running.done()

    async def pick(self, group: str) -> tuple[Scenario, Command] | None:
        """Let the user choose a drill; return its scenario and the equal command, or None."""
        from stanlocal.drill import load_scenario, shipped

        scenarios = {name: load_scenario(name) for name in shipped()}
        choices = [(name, scenario.title) for name, scenario in scenarios.items()]
        name = await self._screen.app.push_screen_wait(PickScreen("a drill in this group", choices))
        if name is None:
            return None
        question = Question(
            what=f"drill {name}",
            expected=" ".join(scenarios[name].teaches.split()),
            label="what it shows",
            command=Command(group, ("drill", name, "--here")),
            warning="it breaks this group again and again while it publishes to channels of its own, which "
            "stay; everything is healed at the end",
        )
        if not await self._screen.app.push_screen_wait(QuestionScreen(question)):
            return None
        return scenarios[name], question.command

    async def run(self, scenario: Scenario, command: Command) -> None:
        """Run the drill, and show its progress and verdict; raises what `Drill.run` raises.

        When cancelled, it leaves the drill to `stop`: screens cancel their workers several times, which would
        interrupt the healing.
        """
        from stanlocal.drill import Drill

        self._drill = drill = Drill(scenario, here=self._group)
        self._running = running = asyncio.create_task(drill.run())
        last = self._screen.query_one(LastAction)
        last.begin(command)
        while not running.done():
            last.show(command, progress_text(drill.progress))
            await asyncio.wait([running], timeout=_EVERY_S)
        if running.cancelled():
            last.done(command)
            return
        try:
            outcome = running.result()
        except StanlocalError:
            last.withdraw(command)
            raise
        last.begin(command)  # the verdict is news, whatever was done meanwhile
        last.show(command, outcome_text(outcome))

    async def stop(self) -> str | None:
        """End the running drill; return its verdict once the group is healed, None if it has none."""
        if self._drill is None or self._running is None or self._running.done():
            return None
        begun = self._drill.stop()
        if not begun and not self._running.cancelling():  # it has nothing to judge
            self._running.cancel()
        await asyncio.wait([self._running])
        verdict = _verdict(self._running)
        return f"drill {self._drill.scenario.name}: {verdict}" if verdict else None


def _verdict(ended: asyncio.Task[Outcome]) -> str | None:
    if ended.cancelled():
        return None
    try:
        return outcome_text(ended.result()).plain
    except StanlocalError as error:
        return str(error)


def progress_text(progress: Progress) -> Content:
    """Return the progress of a drill in two lines. Pure."""
    load = progress.load
    share = "" if progress.share is None else f"{progress.share:.0%}, "
    faults = f"; in force: {', '.join(progress.faults)}" if progress.faults else ""
    return Content(
        f"{share}{progress.elapsed_s:.0f} s, step {progress.steps}: {progress.doing}{faults}\n"
        f"{load.acked:,} acknowledged ({load.ack_rate:,.0f}/s), {load.missing:,} still to come, "
        f"{counted(progress.failovers, 'failover')}, worst outage {load.worst_outage:.2f} s"
    )


def outcome_text(outcome: Outcome) -> Content:
    """Return the verdict: the first problem, the figures, and the command that shows the rest. Pure."""
    problems = outcome.verdict.problems
    word = ("ok", "bold $text-success")
    if problems:
        word = (f"BAD, {counted(len(problems), 'problem')}", "bold $text-error")
    cut = "" if outcome.ended == "whole" else f" ({outcome.ended})"
    rest = f"see 'stanlocal drill verify {outcome.ledger}'"
    return Content.assemble(
        word, f"{cut}: ", "\n".join([*problems[:1], _figures(outcome.verdict.findings), rest])
    )


def _figures(found: Findings) -> str:
    felt = [outage.ms for outage in found.outages if outage.publisher is None]
    outage = f"worst outage {max(felt):,.0f} ms" if felt else "no outage"
    return (
        f"{found.acked:,} acknowledged, {found.delivered:,} delivered, {found.lost:,} lost, "
        f"{counted(len(found.failovers), 'failover')}, {outage}"
    )
