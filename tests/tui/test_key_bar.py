"""The keys at the bottom."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.pilot import Pilot
from textual.widgets import Static

from stanlocal.tui.widgets.key_bar import KeyBar
from tests.tui.conftest import until


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


async def test_narrow_bar_shows_the_first_keys() -> None:
    app = Keys()
    async with app.run_test(size=(5, 4)) as pilot:
        await until(pilot, lambda: app.shown == "x First")
        assert _bottom_row(pilot) == "x Fi…"


def _bottom_row(pilot: Pilot[None]) -> str:
    [line] = pilot.app.query_one(KeyBar).render_lines(pilot.app.query_one(KeyBar).size.region)
    return line.text
