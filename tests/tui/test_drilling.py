"""Drills from the screen: chosen, watched, stopped, and never left in the middle."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from stanlocal.api import FTGroup
from stanlocal.drill import Progress, Scenario, shipped
from stanlocal.drill.meter import LoadStats
from stanlocal.errors import GroupError
from stanlocal.tui.drilling import progress_text
from tests.tui.conftest import running, shown, until, until_shown
from tests.unit.core.conftest import World

PROGRESS = Progress(
    "kill @active",
    elapsed_s=12.3,
    steps=3,
    of_steps=40,
    faults=("kill t-0",),
    failovers=2,
    load=LoadStats(acked=1_234, ack_rate=200.0, missing=7, worst_outage=1.25),
)


class EndlessDrill:
    """Goes on until it is stopped, and then has no verdict."""

    stopped = 0

    def __init__(self, scenario: Scenario, *, here: FTGroup) -> None:
        self.scenario = scenario
        self._stop = asyncio.Event()

    @property
    def progress(self) -> Progress:
        return PROGRESS

    def stop(self) -> bool:
        self._stop.set()
        return True

    async def run(self) -> Any:
        await self._stop.wait()
        type(self).stopped += 1
        raise GroupError("the ledger has no end; see 'stanlocal drill verify'")


@pytest.fixture(autouse=True)
def _drills_are_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stanlocal.drill.Drill", EndlessDrill)
    monkeypatch.setattr(EndlessDrill, "stopped", 0)


async def start_first(pilot: Pilot[None]) -> None:
    """The first drill of the list, all questions answered."""
    await pilot.press("d")
    await until_shown(pilot, "a drill in this group")
    await pilot.press("enter")
    await until_shown(pilot, f"drill {shipped()[0]}?")
    await pilot.press("shift+tab", "enter")


async def test_every_drill_that_is_shipped_can_be_chosen_and_says_what_it_teaches(
    world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group, size=(120, 60)) as pilot:
        await pilot.press("d")
        await until_shown(pilot, "a drill in this group")
        listed = pilot.app.screen.query_one(OptionList).options
        assert [option.id for option in listed] == shipped()
        await pilot.press(*["down"] * shipped().index("kill-loop"), "enter")
        await until_shown(pilot, "drill kill-loop?")
        assert "What one failover costs" in shown(pilot)
        assert "stanlocal --group t drill kill-loop --here" in shown(pilot)
        await pilot.press("enter")  # on 'Leave it': it breaks the group again and again
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert "acknowledged" not in shown(pilot)


async def test_a_drill_shows_how_it_goes_and_its_key_stops_it(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await start_first(pilot)
        await until_shown(pilot, "1,234 acknowledged (200/s), 7 still to come, 2 failovers")
        assert EndlessDrill.stopped == 0
        await pilot.press("d")
        await until(pilot, lambda: EndlessDrill.stopped == 1)
        await until_shown(pilot, "the ledger has no end")


async def test_quitting_ends_a_drill_first(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await start_first(pilot)
        await until_shown(pilot, "acknowledged")
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)
        assert EndlessDrill.stopped == 1


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (PROGRESS, "5%, 12 s, step 3: kill @active; in force: kill t-0"),
        (replace(PROGRESS, of_steps=None, faults=()), "12 s, step 3: kill @active"),
    ],
)
def test_what_is_known_of_a_drill_is_told(progress: Progress, told: str) -> None:
    assert progress_text(progress).plain.splitlines() == [
        told,
        "1,234 acknowledged (200/s), 7 still to come, 2 failovers, worst outage 1.25 s",
    ]
