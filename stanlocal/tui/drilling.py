"""Drills on the group that is shown: chosen from those that are shipped, watched, stopped, judged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from textual.content import Content
from textual.screen import Screen

from stanlocal.api import FTGroup
from stanlocal.tui.actions import Command
from stanlocal.tui.screens.pick import PickScreen
from stanlocal.tui.screens.question import Question, QuestionScreen
from stanlocal.tui.widgets.verdict import Verdict

if TYPE_CHECKING:  # drills take a while to import, and few are run
    from stanlocal.drill import Drill, Outcome, Progress

_EVERY_S = 0.5


class Drilling:
    """One drill at a time; its coroutines run in workers of `screen`, and raise what `Drill.run` raises."""

    def __init__(self, screen: Screen[Any], group: FTGroup) -> None:
        self._screen = screen
        self._group = group
        self._drill: Drill | None = None
        self._running: asyncio.Task[Outcome] | None = None
        self._ended = asyncio.Event()
        self._ended.set()

    @property
    def running(self) -> bool:
        return self._drill is not None

    async def pick(self, group: str) -> Command | None:
        """Asks which, says what it teaches, and runs it; the command that does the same, if it was run."""
        from stanlocal.drill import load_scenario, shipped

        scenarios = {name: load_scenario(name) for name in shipped()}
        choices = [(name, scenario.title) for name, scenario in scenarios.items()]
        name = await self._screen.app.push_screen_wait(PickScreen("a drill in this group", choices))
        if name is None:
            return None
        question = Question(
            what=f"drill {name}",
            expected=" ".join(scenarios[name].teaches.split()),
            command=Command(group, ("drill", name, "--here")),
            warning="it breaks this group again and again while it publishes to channels of its own, which "
            "stay; everything is healed at the end",
        )
        if not await self._screen.app.push_screen_wait(QuestionScreen(question)):
            return None
        await self._run(name, question.command)
        return question.command

    async def _run(self, name: str, command: Command) -> None:
        from stanlocal.drill import Drill, load_scenario

        self._drill = drill = Drill(load_scenario(name), here=self._group)
        self._ended.clear()
        verdict = self._screen.query_one(Verdict)
        self._running = running = asyncio.create_task(drill.run())
        try:
            while not running.done():
                verdict.show(command, progress_text(drill.progress))
                await asyncio.wait([running], timeout=_EVERY_S)
            if running.cancelled():
                verdict.done(command)
            else:
                verdict.show(command, outcome_text(running.result()))
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            self._drill = None
            self._ended.set()

    async def stop(self) -> None:
        """Ends the drill that runs, if one does; returns when the group is healed and it is judged."""
        if self._drill is not None and self._running is not None:
            if not self._drill.stop():  # it has not begun: there is nothing to judge
                self._running.cancel()
            await self._ended.wait()


def progress_text(progress: Progress) -> Content:
    """How a drill goes, in two lines. Pure."""
    load = progress.load
    share = "" if progress.share is None else f"{progress.share:.0%}, "
    faults = f"; in force: {', '.join(progress.faults)}" if progress.faults else ""
    return Content(
        f"{share}{progress.elapsed_s:.0f} s, step {progress.steps}: {progress.doing}{faults}\n"
        f"{load.acked:,} acknowledged ({load.ack_rate:,.0f}/s), {load.missing:,} still to come, "
        f"{progress.failovers} failovers, worst outage {load.worst_outage:.2f} s"
    )


def outcome_text(outcome: Outcome) -> Content:
    """What came of it. Pure."""
    found, problems = outcome.verdict.findings, outcome.verdict.problems
    worst = max((outage.ms for outage in found.outages), default=0.0)
    figures = (
        f"{found.acked:,} acknowledged, {found.delivered:,} delivered, {found.lost:,} lost, "
        f"{len(found.failovers)} failovers, worst outage {worst:,.0f} ms\nledger {outcome.ledger}"
    )
    if outcome.verdict.ok:
        return Content.assemble(("ok", "bold $text-success"), f" ({outcome.ended}): {figures}")
    more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
    return Content.assemble(("BAD", "bold $text-error"), f": {problems[0]}{more}\n{figures}")
