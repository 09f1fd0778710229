"""The application as a whole: what it shows first, and what it survives."""

from __future__ import annotations

import asyncio

import pytest
from textual.binding import Binding
from textual.widgets import TabbedContent

from stanlocal.api import FTGroup
from stanlocal.model.group_document import MEANINGS
from stanlocal.tui import Notices
from stanlocal.tui.app import StanlocalApp
from stanlocal.tui.screens.main import MainScreen
from stanlocal.tui.widgets.faults import FaultsPane
from tests.support.world import World
from tests.tui.conftest import app, piloted, press_to_ask, running, shown, until, until_shown


async def test_a_running_group_is_shown_and_a_lost_engine_is_a_state(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with piloted(app(ft_group)) as pilot:
        await until_shown(pilot, "t: healthy, t-0 is active and every other node stands by")
        with world.machine.losing_engine("the engine is away"):
            await until_shown(pilot, "not seen now: the engine is away")
            assert "last seen: t: healthy" in shown(pilot)
        await until(pilot, lambda: "not seen now" not in shown(pilot))
    assert {node.status for node in world.machine.nodes.values()} == {"running"}


async def test_quitting_leaves_the_group_as_it_is(world: World, ft_group: FTGroup) -> None:
    await world.up()
    before = world.ids, world.starts
    async with running(ft_group) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)
    assert (world.ids, world.starts) == before
    assert {node.status for node in world.machine.nodes.values()} == {"running"}


async def test_start_dialog_starts_a_group_that_does_not_run(world: World, ft_group: FTGroup) -> None:
    async with piloted(app(ft_group)) as pilot:
        await until_shown(pilot, "start the group?")
        assert "no group 't'" in shown(pilot)
        assert world.machine.nodes == {}
        await pilot.press("enter")
        await until_shown(pilot, "t: healthy")
        await until_shown(pilot, "Streaming Server is ready")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert "not seen now" not in shown(pilot)
        await pilot.press("2")
        await until_shown(pilot, "stanlocal --group t pub orders")


async def test_refused_start_is_not_asked_again(world: World, ft_group: FTGroup) -> None:
    async with running(ft_group) as pilot:
        await until_shown(pilot, "start the group?")
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert "no group 't'; start it" in shown(pilot)
        await world.up()
        await until_shown(pilot, "t: healthy")
        await ft_group.down()
        await until_shown(pilot, "t: down, no node runs")
        assert len(pilot.app.screen_stack) == 1


async def test_a_group_that_cannot_be_started_says_why_and_can_be_tried_again(
    world: World, ft_group: FTGroup
) -> None:
    world.machine.foreign_container("t-0")
    async with piloted(app(ft_group)) as pilot:
        await until_shown(pilot, "start the group?")
        await pilot.press("enter")
        await until_shown(pilot, "was not made by stanlocal for you")
        del world.machine.nodes["t-0"]
        await pilot.press("enter")
        await until_shown(pilot, "t: healthy")


async def test_read_only_nothing_is_started(world: World, ft_group: FTGroup) -> None:
    async with running(ft_group, read_only=True) as pilot:
        await until_shown(pilot, "no group 't'")
        assert len(pilot.app.screen_stack) == 1


@pytest.mark.parametrize("number", range(1, 8))
async def test_each_number_opens_its_tab(number: int, world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        tabs = pilot.app.screen.query_one(TabbedContent)
        await pilot.press(str(number % 7 + 1), str(number))
        names = ["logs", "publish", "subscribe", "failovers", "timeline", "data", "faults"]
        assert tabs.active == names[number - 1]


async def test_help_lists_every_key_by_task_and_every_state(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group, size=(120, 200)) as pilot:
        await pilot.press("question_mark")
        await until_shown(pilot, "states of the group")
        text = shown(pilot)
        for binding in MainScreen.BINDINGS:
            assert isinstance(binding, Binding)
            assert binding.tooltip in text
        assert text.index("break a node") < text.index("mend it") < text.index("in this tab")
        assert "Search: find lines with a text" in text
        for state in MEANINGS:
            assert state in text
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


async def test_help_is_searched_by_typing_also_for_the_words_of_other_tools(
    world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await press_to_ask(pilot, "question_mark")
        await pilot.press(*"freeze")
        await until(pilot, lambda: "Kill:" not in shown(pilot))
        assert "Pause: freeze the node, or resume it" in shown(pilot)
        await pilot.press(*["backspace"] * 6, *"undo")
        await until_shown(pilot, "Heal: undo every fault in force")
        await pilot.press(*" x")
        await until_shown(pilot, "nothing about 'undo x'")
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


async def test_notices_are_shown_and_not_written_over_the_screen(
    world: World, ft_group: FTGroup, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.up()
    notices = Notices()
    notices("said before the screen is there")
    app = StanlocalApp(ft_group, notices)
    async with piloted(app) as pilot:
        await until_shown(pilot, "said before the screen is")
        await asyncio.to_thread(notices, "said by a thread")
        await until_shown(pilot, "said by a thread")
    assert "said" not in "".join(capsys.readouterr())


async def test_faults_pane_shows_faults_with_their_outcome(world: World, ft_group: FTGroup) -> None:
    await world.up()
    injected = await ft_group.kill("@active")
    assert injected is not None
    await injected.outcome()
    async with running(ft_group) as pilot:
        await pilot.press("7")
        await until_shown(pilot, "observed  failover: t-1 serves after")
        await until_shown(pilot, "in force")
        await ft_group.pause("t-1")
        await until_shown(pilot, "keeps the store lock while frozen")


async def test_repeated_requests_for_the_faults_read_them_once(world: World, ft_group: FTGroup) -> None:
    """The interface may end while faults change; a read that never began leaves no warning."""
    await world.up()
    async with running(ft_group) as pilot:
        pane = pilot.app.screen.query_one(FaultsPane)
        pane.on_show()
        pane.on_show()
        await ft_group.pause("t-1")
        await pilot.press("7")
        await until_shown(pilot, "a frozen standby cannot take over")


@pytest.mark.parametrize(("key", "form"), [("2", "publish"), ("3", "subscribe")])
async def test_a_key_for_a_tab_can_follow_at_once_on_the_key_that_opens_it(
    key: str, form: str, world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await pilot.press("3", "2", key, "n")
        focused = pilot.app.screen.focused
        assert focused is not None
        assert focused.id == "channel"
        assert form in [each.id for each in focused.ancestors]
