"""The keys at the bottom."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from stanlocal.api import FTGroup
from stanlocal.tui.widgets.key_bar import KeyBar
from tests.support.world import World
from tests.tui.conftest import running, until


class One(Static, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "app.press('x')", "First", tooltip="the first of all"),
        Binding("z", "app.press('x')", "Again"),
        Binding("h", "app.press('h')", "Hidden", show=False),
    ]


class Other(Static, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [("y", "app.press('y')", "Second")]


class Keys(App[None]):
    ENABLE_COMMAND_PALETTE = False
    pressed = ""

    def compose(self) -> ComposeResult:
        yield One("one")
        yield Other("other")
        yield KeyBar()

    def action_press(self, key: str) -> None:
        self.pressed += key

    @property
    def shown(self) -> str:
        return str(self.query_one(KeyBar).content)


async def test_the_bar_shows_the_keys_of_what_is_focused_each_act_once() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.shown == "x First")
        app.query_one(Other).focus()
        await until(pilot, lambda: app.shown == "y Second")


async def test_click_presses_the_key_and_hovering_shows_its_tooltip() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.shown == "x First")
        await pilot.click(KeyBar, offset=(3, 0))
        await until(pilot, lambda: app.pressed == "x")
        await pilot.hover(KeyBar, offset=(3, 0))
        await until(pilot, lambda: app.query_one(KeyBar).tooltip == "the first of all")
        await pilot.hover(KeyBar, offset=(30, 0))
        await until(pilot, lambda: app.query_one(KeyBar).tooltip is None)


async def test_a_narrow_bar_leaves_out_whole_keys_and_a_wider_one_has_them() -> None:
    app = Keys()
    async with app.run_test(size=(5, 4)) as pilot:
        await until(pilot, lambda: app.query_one(KeyBar).size.width == 5)
        assert app.shown == ""
        await pilot.resize_terminal(40, 4)
        await until(pilot, lambda: app.shown == "x First")


async def test_the_state_of_the_group_decides_which_keys_are_shown_beside_help_and_quit(
    world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group, size=(120, 30)) as pilot:
        bar = pilot.app.screen.query_one(KeyBar)

        def shown() -> str:
            return str(bar.content)

        await until(pilot, lambda: "k Kill  p Pause" in shown())
        assert "S Start" not in shown()
        assert shown().endswith("? Help  q Quit")
        await ft_group.stop("@standby")
        await until(pilot, lambda: "S Start  h Heal" in shown())
        assert "p Pause" not in shown()
