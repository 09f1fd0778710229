"""Timed faults: entered in the form, shown until their end, never left behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.pilot import Pilot

from stanlocal.api import FTGroup
from stanlocal.faults.registry import FAULTS
from stanlocal.tui.app import StanlocalApp
from tests.support.world import World
from tests.tui.conftest import ended_from_outside, running, shown, until, until_shown
from tests.tui.test_controller import end, open_form, until_said


async def ask(pilot: Pilot[None], fault: str, seconds: str) -> None:
    """Fills in the form of a fault; its time is the last field before the button, which has the focus."""
    await pilot.press("f")
    await until_shown(pilot, "a fault")
    await open_form(pilot, fault)
    await pilot.press("shift+tab", *seconds, "enter")


async def pause_for(pilot: Pilot[None], seconds: str) -> None:
    """Freezes the active node."""
    await ask(pilot, "pause", seconds)
    await until_shown(pilot, f"pause t-0 for {seconds} s?")
    await pilot.press("Y")


def frozen(world: World) -> bool:
    return world.machine.nodes["t-0"].status == "paused"


def in_force(world: World) -> list[str]:
    return [fault.name for fault in world.home.journal.faults() if fault.in_force]


async def test_its_command_says_how_long_and_at_its_end_it_is_healed(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await ask(pilot, "pause", "0.2")
        await until_shown(pilot, "pause t-0 for 0.2 s?")
        assert "stanlocal --group t fault pause @active --for 0.2" in shown(pilot)
        assert not frozen(world)
        await pilot.press("Y")
        await until_shown(pilot, "it is over: its time was up at")
        assert "as expected" in shown(pilot)
        assert not frozen(world)
    assert not in_force(world)


async def test_timed_fault_shows_its_end_and_is_healed_before_the_interface_ends(
    world: World, ft_group: FTGroup, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pause_for(pilot, "3600")
        await until_shown(pilot, "it ends by itself at")
        assert "as expected" in shown(pilot)
        assert frozen(world)
        (fault,) = world.home.journal.faults()
        assert fault.until is not None
        assert f"{fault.until.astimezone():%H:%M:%S}" in shown(pilot)
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)
        assert not frozen(world)
    assert not in_force(world)
    assert "pause t-0 for 3600 s: healed before its time was up" in capsys.readouterr().err


async def test_quitting_says_when_it_could_not_be_healed(
    world: World, ft_group: FTGroup, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pause_for(pilot, "3600")
        await until_shown(pilot, "it ends by itself at")
        with world.machine.losing_engine("the engine is away"):
            await pilot.press("q")
            await until(pilot, lambda: not pilot.app.is_running)
    assert "pause t-0 for 3600 s: not healed (the engine is away" in capsys.readouterr().err.replace(
        "\n", " "
    )
    assert in_force(world) == ["pause"]


async def test_a_yes_after_a_failover_hits_no_node(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await ask(pilot, "pause", "3600")
        await until_shown(pilot, "pause t-0 for 3600 s?")
        end(world, "t-0")
        await until_shown(pilot, "t-1 is active")
        await pilot.press("Y")
        await until_said(pilot, "@active is no longer t-0 but t-1: nothing was done; press the key again")
    assert not world.home.journal.faults()


async def test_fault_healed_before_has_no_end_to_report(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pause_for(pilot, "3600")
        await until_shown(pilot, "it ends by itself at")
        await pilot.press("h")
        await until_shown(pilot, "stanlocal --group t heal")
        assert not frozen(world)
        assert isinstance(pilot.app, StanlocalApp)
        assert await pilot.app.finish() == []


async def test_fault_healed_from_outside_is_shown_as_healed_early(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pause_for(pilot, "8")
        await until_shown(pilot, "it ends by itself at")
        await ft_group.heal()  # which a busy machine may take seconds for
        await until_shown(pilot, "before its time was up")


async def test_several_last_at_once(world: World, ft_group: FTGroup) -> None:
    await world.up(nodes=3)
    async with running(ft_group) as pilot:
        await pause_for(pilot, "3600")
        await until_shown(pilot, "it ends by itself at")
        await pilot.press("J")
        await ask(pilot, "partition", "0.2")
        await until_shown(pilot, "for 0.2 s?")
        await pilot.press("enter")
        await until_shown(pilot, "it is over: its time was up at")
        assert in_force(world) == ["pause"]
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)
    assert not in_force(world)


@pytest.mark.parametrize("seconds", ["soon", "0", "-5"])
async def test_invalid_duration_is_a_problem_in_the_form(
    seconds: str, world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await ask(pilot, "pause", seconds)
        await until_shown(pilot, f"pause: '{seconds}' is not a duration; write seconds such as 5")
    assert not world.home.journal.faults()


@pytest.mark.parametrize("name", [name for name, kind in FAULTS.items() if kind.leaves is None])
async def test_fault_that_ends_by_itself_has_no_duration_field(
    name: str, world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pilot.press("f")
        await open_form(pilot, name)
        assert "for how many seconds" not in shown(pilot)


async def test_terminated_interface_heals_before_it_closes_the_group(
    world: World, ft_group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up()
    left_at_close: list[list[str]] = []
    unpause, close = world.engine.unpause, ft_group.close

    async def unpause_slowly(node: str) -> None:
        await asyncio.sleep(0.2)
        await unpause(node)

    async def look_and_close() -> None:
        left_at_close.append(in_force(world))
        await close()

    monkeypatch.setattr(world.engine, "unpause", unpause_slowly)
    monkeypatch.setattr(ft_group, "close", look_and_close)

    async def act(pilot: Pilot[Any]) -> None:
        await pause_for(pilot, "3600")
        await until_shown(pilot, "it ends by itself at")

    await ended_from_outside(ft_group, act, monkeypatch)
    assert left_at_close == [[]]
    assert not frozen(world)
