"""The tour on the screen: read, hidden, left and resumed; its group goes with it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from textual.pilot import Pilot

from stanlocal.api import FTGroup, group_over
from stanlocal.cli.app import app as cli
from stanlocal.cli.context import Context
from stanlocal.errors import EngineError
from stanlocal.lifecycle.opener import GroupOpener, this_process
from stanlocal.tui.tour import progress_file
from stanlocal.tui.tour.guide import Progress
from stanlocal.tui.tour.pane import TourPane
from tests.support.fake_clients import FakeServing
from tests.support.world import NAME, World
from tests.tui.conftest import NARROW, piloted, press_to_ask, until, until_shown
from tests.tui.telling import StoryFeed
from tests.tui.tour.reading import pane, take, tour_app, until_said


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))


@pytest.fixture
def group(world: World, monkeypatch: pytest.MonkeyPatch) -> FTGroup:
    """The scratch group, which is not up yet."""
    monkeypatch.chdir(world.folder)
    user = f"{os.getuid()}:{os.getgid()}"
    flags = {"group": NAME, "nodes": 2}
    opener = GroupOpener(flags, bound_to=this_process, engine=world.engine, home=world.home, user=user)
    return group_over(opener)


async def test_a_reader_goes_through_two_lessons_and_resumes_at_the_third(
    world: World, group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def first(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "tour 1 of 7: a healthy group")
        await until_shown(pilot, "t-0 is active: it has the lock")
        await until_shown(pilot, "t-0: Streaming Server is ready")
        await until_shown(pilot, " Faults")
        await pilot.press("j")
        await until_shown(pilot, "k would kill the standby now")
        await pilot.press("a")
        await until_shown(pilot, "Done. g: kill the active node.")
        await pilot.press("g")
        await until_shown(pilot, "tour 2 of 7: kill the active node")
        await press_to_ask(pilot, "k")
        await pilot.press("k")
        await until_shown(pilot, "t-1: Streaming Server is ready")
        await pilot.press("h")
        await until_shown(pilot, "t-0 is back, as a standby")
        await pilot.press("q")

    await take(group, first, monkeypatch)
    assert world.left == {}
    assert progress_file.load() == Progress(2, frozenset({1, 2}))


async def test_the_tour_goes_on_after_the_last_finished_lesson(
    world: World, group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress_file.save(Progress(2, frozenset({1, 2})))

    async def second(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "tour 3 of 7")
        await until_shown(pilot, "Press p, then Y: freeze t-0")
        await pilot.press("b")
        await until_shown(pilot, "tour 2 of 7: kill the active node ✓")
        await pilot.press("q")

    await take(group, second, monkeypatch)
    assert world.left == {}


async def test_a_standby_that_is_killed_instead_leads_back_to_the_lesson(
    world: World, group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def goes_astray(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "Press k: the dialog says")
        await group.kill("@standby")
        await until_shown(pilot, "That was a standby: nothing fails over. h heals it, then a and k.")
        await group.heal()
        await until_shown(pilot, "Press k: the dialog says")
        await group.stop("@active")  # from elsewhere, and another way
        await until_shown(pilot, "t-0's process ended")
        await pilot.press("q")

    await take(group, goes_astray, monkeypatch, lesson=2)
    assert world.left == {}


async def test_the_pane_can_be_hidden_and_shown_again(
    world: World, group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hides(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "healthy, t-0 is active")
        await pilot.press("T")
        await until_shown(pilot, "T: the tour")
        assert not pilot.app.screen.query_one(TourPane).display
        await pilot.press("T")
        await until_shown(pilot, "tour 4 of 7")
        await pilot.press("question_mark")
        await until_shown(pilot, "leave the tour, or return to it")
        await pilot.press("escape", "q")

    await take(group, hides, monkeypatch, lesson=4, size=(120, 60))


async def test_publishers_run_while_their_lesson_is_read_and_have_left_the_server_at_the_end(
    world: World, group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeServing()
    monkeypatch.setattr(group, "connect", server.connect)

    async def reads(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: len(server.open_clients) == 2)
        await pilot.press("g")
        await until(pilot, lambda: server.open_clients == [])
        await pilot.press("b")
        await until(pilot, lambda: len(server.open_clients) == 2)
        await pilot.press("q")

    await take(group, reads, monkeypatch, lesson=6)
    assert server.open_clients == []


class SlowFeed(StoryFeed):
    """Knows the group's state before its past, as every feed does."""

    past = asyncio.Event()

    async def follow_group(self) -> None:
        await self.past.wait()
        await super().follow_group()


async def test_nothing_of_the_past_counts_for_a_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SlowFeed, "past", asyncio.Event())
    monkeypatch.setattr("stanlocal.tui.screens.main.Feed", SlowFeed)
    async with piloted(tour_app(2)) as pilot:
        await until_shown(pilot, "healthy, ft-1 is active")
        await until_shown(pilot, " Faults")
        await until_said(pilot, "Wait until the group is healthy.")
        SlowFeed.past.set()
        await until_shown(pilot, " lines")
        await until_said(pilot, "Press k: the dialog says")
        assert "✓" not in pane(pilot).text.plain


async def test_every_lesson_leaves_room_for_the_tabs_on_the_smallest_screen(
    world: World, group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def looks(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, " Faults")
        for number in range(1, 8):
            await until_shown(pilot, f"tour {number} of 7")
            assert pilot.app.screen.query_one("Panes").size.height >= 6
            await pilot.press("g")
        await until_shown(pilot, "That was the tour.")
        await pilot.press("q")

    await take(group, looks, monkeypatch, lesson=1, size=NARROW)


async def test_a_tour_that_ends_while_its_group_starts_leaves_nothing(
    world: World, group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, go_on = asyncio.Event(), asyncio.Event()
    start = world.engine.start

    async def held(*given: Any) -> Any:
        starting.set()
        await go_on.wait()
        return await start(*given)

    monkeypatch.setattr(world.engine, "start", held)

    async def leaves(pilot: Pilot[Any]) -> None:
        await until(pilot, starting.is_set)
        await until_shown(pilot, "Wait: the two nodes")
        await pilot.press("q")
        go_on.set()

    await take(group, leaves, monkeypatch)
    assert world.left == {}


@pytest.mark.parametrize("error", [EngineError("no room for nodes"), OSError("no room for nodes")])
async def test_a_group_that_does_not_start_ends_the_tour_with_the_reason(
    error: Exception, world: World, group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*given: Any) -> None:
        raise error

    monkeypatch.setattr(world.engine, "create", broken)

    async def looks_on(pilot: Pilot[Any]) -> None:
        pass

    with pytest.raises(type(error), match="no room for nodes"):
        await take(group, looks_on, monkeypatch)
    assert world.left == {}


async def test_a_tour_that_is_ended_from_outside_removes_its_group(
    world: World, group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = asyncio.Event()

    async def reads(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "Press k: the dialog says")
        shown.set()

    touring = asyncio.create_task(take(group, reads, monkeypatch, lesson=2))
    await shown.wait()
    touring.cancel()
    await asyncio.wait([touring])
    assert touring.cancelled() or touring.result() is None
    assert world.left == {}


def test_the_command_needs_a_terminal() -> None:
    done = CliRunner().invoke(cli, ["tour"], obj=Context())
    assert done.exit_code == 2
    assert "needs a terminal; without one see 'stanlocal gotcha'" in done.output


@pytest.mark.parametrize("number", ["0", "8", "x"])
def test_there_are_seven_lessons(number: str) -> None:
    done = CliRunner().invoke(cli, ["tour", "--lesson", number], obj=Context())
    assert (done.exit_code, "--lesson" in done.output) == (2, True)
