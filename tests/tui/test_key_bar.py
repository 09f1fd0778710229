"""The keys at the bottom."""

from __future__ import annotations

import gc
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Static
from textual.widgets._footer import FooterKey

from stanlocal.tui.widgets.key_bar import KeyBar
from tests.tui.conftest import until


class One(Static, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [("x", "one", "First")]


class Other(Static, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [("y", "other", "Second")]


class Keys(App[None]):
    def compose(self) -> ComposeResult:
        yield One("one")
        yield Other("other")
        yield KeyBar(show_command_palette=False)

    @property
    def shown(self) -> list[str]:
        return [key.description for key in self.query(FooterKey)]


async def test_the_bar_shows_the_keys_of_what_is_focused() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.shown == ["First"])
        app.query_one(Other).focus()
        await until(pilot, lambda: app.shown == ["Second"])


async def test_changes_at_the_same_time_make_the_bar_anew_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    async def counted(_: KeyBar) -> None:
        nonlocal made
        made += 1

    app = Keys()
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.shown == ["First"])
        monkeypatch.setattr(KeyBar, "recompose", counted)
        for _ in range(3):
            app.query_one(KeyBar).bindings_changed(app.screen)
        await until(pilot, lambda: made > 0)
        await pilot.pause(0.1)
        assert made == 1


async def test_keys_that_are_shown_no_more_are_let_go() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.shown == ["First"])
        for _ in range(5):
            for widget, shown in ((Other, "Second"), (One, "First")):
                app.query_one(widget).focus()
                await until(pilot, lambda shown=shown: app.shown == [shown])  # type: ignore[misc]
        gc.collect()
        keys = [thing for thing in gc.get_objects() if isinstance(thing, FooterKey)]
        assert len(keys) <= 2, "one that is shown, one that was shown before it"
