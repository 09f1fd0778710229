"""Drills from the screen: chosen, watched, stopped, and never left in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from stanlocal.api import FTGroup
from stanlocal.drill import Outcome, Progress, Scenario, judged, shipped
from stanlocal.drill.load.load_meter import LoadStats
from stanlocal.errors import GroupError
from stanlocal.tui.drill_control import progress_text
from tests.support.world import World
from tests.tui.conftest import NARROW, WIDE, ended_from_outside, running, shown, until, until_shown
from tests.unit.drill.story import Story

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


class JudgedDrill(EndlessDrill):
    """Is over at once, or when it is stopped; its durable subscriber never had the messages in `missed`."""

    ledger: ClassVar[Path]
    missed: ClassVar[Collection[int]] = ()
    interrupted: ClassVar[bool] = False
    goes_on: ClassVar[bool] = False

    async def run(self) -> Outcome:
        if self.goes_on:
            await self._stop.wait()
        numbers = range(1, 21)
        story = Story().publish(0, *numbers).ack(0, *numbers[:-1]).later(1_499).ack(0, numbers[-1])
        for audience, has in enumerate((numbers, [n for n in numbers if n not in self.missed], numbers)):
            for number in has:
                story.deliver(audience, 0, number, number)
        story.note("failovers", failovers=[{"cause": "kill", "from": "t-0", "to": "t-1"}])
        story.note("drained", missing=len(self.missed)).note("audit", messages=len(numbers))
        self.ledger.write_bytes(story.note("end", interrupted=self.interrupted).written())
        return judged(self.ledger)


@pytest.fixture
def judged_drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[JudgedDrill]:
    monkeypatch.setattr(JudgedDrill, "ledger", tmp_path / "a.ledger", raising=False)
    monkeypatch.setattr("stanlocal.drill.Drill", JudgedDrill)
    return JudgedDrill


async def until_told(pilot: Pilot[None], text: str) -> None:
    """Waits until the verdict says so, wherever it breaks its lines."""
    await until_shown(pilot, text, broken=True)


async def start_first(pilot: Pilot[None]) -> None:
    """The first drill of the list, all questions answered."""
    await pilot.press("d")
    await until_shown(pilot, "a drill in this group")
    await pilot.press("enter")
    await until_shown(pilot, f"drill {shipped()[0]}?")
    await pilot.press("Y")


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
        await pilot.press("enter")
        await until_shown(pilot, "enter does nothing here; Y does it, esc leaves it")
        await pilot.press("escape")
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
    ("progress", "text"),
    [
        (PROGRESS, "5%, 12 s, step 3: kill @active; in force: kill t-0"),
        (replace(PROGRESS, of_steps=None, faults=()), "12 s, step 3: kill @active"),
    ],
)
def test_progress_of_a_drill_is_shown_in_two_lines(progress: Progress, text: str) -> None:
    assert progress_text(progress).plain.splitlines() == [
        text,
        "1,234 acknowledged (200/s), 7 still to come, 2 failovers, worst outage 1.25 s",
    ]


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_drill_that_went_well_says_so_with_its_figures(
    size: tuple[int, int], judged_drill: type[JudgedDrill], world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group, size=size) as pilot:
        await start_first(pilot)
        await until_told(
            pilot,
            "ok: 20 acknowledged, 40 delivered, 0 lost, 1 failover, worst outage 1,500 ms "
            f"see 'stanlocal drill verify {judged_drill.ledger}'",
        )


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_drill_that_did_not_says_first_what_is_wrong(
    size: tuple[int, int],
    judged_drill: type[JudgedDrill],
    world: World,
    ft_group: FTGroup,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The whole verdict is visible, however many messages a problem names."""
    monkeypatch.setattr(judged_drill, "missed", range(1, 20, 2))
    monkeypatch.setattr(judged_drill, "interrupted", True)
    await world.up()
    async with running(ft_group, size=size) as pilot:
        await start_first(pilot)
        lost = ", ".join(f"orders publisher 0 number {number}" for number in range(1, 10, 2))
        await until_told(
            pilot,
            "BAD, 1 problem (interrupted): 10 acknowledged messages are missing at durable-0, "
            f"only plain-0, the store at the end had them: {lost} and 5 more "
            "20 acknowledged, 30 delivered, 10 lost, 1 failover, worst outage 1,500 ms "
            f"see 'stanlocal drill verify {judged_drill.ledger}'",
        )


async def test_a_drill_that_cannot_be_run_says_why_and_is_not_shown_as_one_that_runs(
    world: World, ft_group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(drill: EndlessDrill) -> Outcome:
        raise GroupError("a drill needs a healthy group")

    monkeypatch.setattr(EndlessDrill, "run", refuse)
    await world.up()
    async with running(ft_group) as pilot:
        await start_first(pilot)
        await until_shown(pilot, "a drill needs a healthy group")
        await until(pilot, lambda: "(y copies it)" not in shown(pilot))


async def test_the_command_of_a_drill_can_be_copied_while_it_runs(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await start_first(pilot)
        await until_shown(pilot, "acknowledged")
        await pilot.press("y")
        assert pilot.app.clipboard == f"stanlocal --group t drill {shipped()[0]} --here"
        await pilot.press("d")
        await until(pilot, lambda: EndlessDrill.stopped == 1)


async def test_quitting_says_what_came_of_the_drill(
    world: World,
    ft_group: FTGroup,
    judged_drill: type[JudgedDrill],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judged_drill, "goes_on", True)
    await world.up()
    async with running(ft_group) as pilot:
        await start_first(pilot)
        await until_shown(pilot, "acknowledged")
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)
    assert f"drill {shipped()[0]}: ok: 20 acknowledged" in capsys.readouterr().err


async def test_terminated_interface_ends_a_drill_before_it_closes_the_group(
    world: World, ft_group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up()
    stopped_at_close: list[int] = []
    close = ft_group.close

    async def look_and_close() -> None:
        stopped_at_close.append(EndlessDrill.stopped)
        await close()

    async def act(pilot: Pilot[Any]) -> None:
        await start_first(pilot)
        await until_shown(pilot, "acknowledged")

    monkeypatch.setattr(ft_group, "close", look_and_close)
    await ended_from_outside(ft_group, act, monkeypatch)
    assert stopped_at_close == [1]
