"""The player of a drill, which takes each step at its time and waits for its condition."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from datetime import UTC, datetime

from stanlocal.api import FTGroup
from stanlocal.drill.ledger.writer import Ledger
from stanlocal.drill.load.load import Load
from stanlocal.drill.scenario.conditions import Condition, Seen
from stanlocal.drill.scenario.scenario import Heal, Inject, Publishers, Repair, Subscribers, Wait
from stanlocal.drill.scenario.schedule import Beat
from stanlocal.drill.store_repair import repair_if_torn
from stanlocal.drill.witness import Witness
from stanlocal.errors import StanlocalError, WaitTimeout
from stanlocal.lifecycle.planner import Report

_LOOK_S = 0.02
"""Interval of checking a condition; acks are not signalled."""


class Player:
    """Player of a schedule on a group under load; times count from its creation."""

    def __init__(self, group: FTGroup, load: Load, witness: Witness, ledger: Ledger, report: Report) -> None:
        self._group = group
        self._load = load
        self._witness = witness
        self._ledger = ledger
        self._report = report
        self._clock = asyncio.get_running_loop().time
        self._begun = self._clock()
        self.steps = 0
        """Number of steps begun."""
        self.doing = "waiting for the first step"

    @property
    def elapsed_s(self) -> float:
        """Seconds since its creation."""
        return self._clock() - self._begun

    async def play(self, beats: Iterator[Beat], duration_s: float | None) -> None:
        """Take beats in order until all are taken, `duration_s` is over, or one fails.

        A failed beat is recorded in the ledger as a problem.
        """
        for beat in beats:
            if not await self._turn(beat, duration_s):
                return
            self.steps, self.doing = beat.number, str(beat)
            self._report(f"step {beat.number}: {beat}")
            self._ledger.note("step", datetime.now(UTC), number=beat.number, step=str(beat))
            try:
                await self._take(beat)
            except StanlocalError as error:
                note_failure(self._ledger, f"step {beat.number} ({beat.act})", error, self._report)
                return

    async def _turn(self, beat: Beat, duration_s: float | None) -> bool:
        """Wait for the beat's time; return False when the drill is over before."""
        moment = self.elapsed_s + beat.after_s
        if beat.at_s is not None:
            moment = max(moment, beat.at_s)
        end = math.inf if duration_s is None else duration_s
        await asyncio.sleep(max(0, min(moment, end) - self.elapsed_s))
        return moment < end

    async def _take(self, beat: Beat) -> None:
        before = self._seen()
        match beat.act:
            case Inject(fault, targets):
                injected = await self._group.inject(fault, *targets, for_s=beat.lasts_s)
                if beat.lasts_s is not None:
                    await asyncio.sleep(beat.lasts_s)
                    await injected.heal()
            case Heal(targets):
                await self._group.heal(*targets)
            case Repair():
                await repair_if_torn(self._group)
            case Publishers(on):
                if on:
                    self._load.start_publishers()
                else:
                    await self._load.stop_publishers()
            case Subscribers(on, kind):
                await (self._load.start_subscribers(kind) if on else self._load.stop_subscribers(kind))
            case Wait():
                pass
        if beat.until is not None:
            await self._until(beat.until, beat.within_s, before)

    async def _until(self, condition: Condition, seconds: float, before: Seen) -> None:
        await self._witness.look()
        give_up = self._clock() + seconds
        while missing := condition.missing(self._since(before)):
            if self._load.failure is not None:
                raise self._load.failure
            if self._clock() >= give_up:
                status = self._witness.status
                raise WaitTimeout(f"{condition}: not reached within {seconds:g} s ({missing})", status.states)
            await asyncio.sleep(_LOOK_S)

    def _seen(self) -> Seen:
        stats = self._load.stats()
        return Seen(self._witness.status.state, self._witness.failovers, stats.acked, stats.delivered)

    def _since(self, before: Seen) -> Seen:
        now = self._seen()
        return Seen(
            now.state,
            now.failovers - before.failovers,
            now.acked - before.acked,
            now.delivered - before.delivered,
        )


def note_failure(ledger: Ledger, what: str, error: StanlocalError, report: Report) -> None:
    """Record a failure in the ledger, which makes the verdict bad."""
    problem = f"{what}: {error}"
    report(problem)
    ledger.note("problem", datetime.now(UTC), text=problem)
