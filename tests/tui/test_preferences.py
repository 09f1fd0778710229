"""Keys and theme of the user's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stanlocal.api import FTGroup
from stanlocal.errors import SettingsError
from stanlocal.tui import Notices, preferences
from stanlocal.tui.app import StanlocalApp
from stanlocal.tui.keys import check, named_bindings
from stanlocal.tui.preferences import Preferences
from tests.support.world import World
from tests.tui.conftest import piloted, until_shown


def load(folder: Path, text: str) -> Preferences:
    path = folder / "stanlocal" / preferences.FILE
    path.parent.mkdir()
    path.write_text(text)
    return preferences.load({"XDG_CONFIG_HOME": str(folder)})[1]


def test_without_a_file_there_are_no_preferences(tmp_path: Path) -> None:
    assert preferences.load({"XDG_CONFIG_HOME": str(tmp_path)})[1] == Preferences()


def test_a_file_gives_theme_and_keys(tmp_path: Path) -> None:
    text = 'theme = "stanlocal-light"\n[keys]\nkill = "x"\nquit = "q, ctrl+q"\nhelp = "?,f1,shift+up"\n'
    assert load(tmp_path, text) == Preferences(
        "stanlocal-light", {"kill": "x", "quit": "q, ctrl+q", "help": "?,f1,shift+up"}
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("colour = 1", "'colour' is not a preference"),
        ("theme = 1", "theme must be a string"),
        ("keys = 1", "keys must be a table"),
        ("[keys]\nkill = 1", "keys.kill must be a key"),
        ('[keys]\nkill = "ctrl+"', "keys.kill is 'ctrl+', which is no key"),
        ('[keys]\nkill = "escap"', "did you mean 'escape'?"),
        ('[keys]\nkill = "k', "tui.toml:2:10"),
    ],
)
def test_invalid_preference_is_reported_with_its_place(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert problem in str(caught.value)


def test_all_problems_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, 'colour = 1\ntheme = 2\n[keys]\nkill = "escap"\nstop = 7')
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        (Preferences(theme="stanlocal-lite"), "did you mean 'stanlocal-light'?"),
        (Preferences(keys={"kil": "k"}), "did you mean 'kill'?"),
        (Preferences(keys={"stop": "h"}), "'h' would be the key of 'stop' and of 'heal'"),
    ],
)
def test_unknown_names_and_clashing_keys_are_refused(chosen: Preferences, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check(Path("tui.toml"), chosen)
    assert problem in str(caught.value)


def test_two_keys_can_be_exchanged() -> None:
    check(Path("tui.toml"), Preferences("textual-dark", {"stop": "k", "kill": "s"}))


def test_every_pane_has_keys_that_can_be_named() -> None:
    assert {"kill", "quit", "logs.node", "lines.search"} <= set(named_bindings())


async def test_a_key_of_the_users_own_acts_and_the_usual_one_does_not(
    world: World, ft_group: FTGroup
) -> None:
    await world.up()
    app = StanlocalApp(
        ft_group, Notices(), chosen=Preferences("stanlocal-light", {"kill": "x", "start": "f2"})
    )
    async with piloted(app) as pilot:
        await until_shown(pilot, "t: healthy")
        assert app.theme == "stanlocal-light"
        await pilot.press("k")
        await pilot.press("x")
        await until_shown(pilot, "kill t-0?")
        assert len(app.screen_stack) == 2
        await ft_group.stop("t-1")
        await until_shown(pilot, "t-1 is stopped: f2 starts it")


def test_every_name_that_can_be_bound_is_documented() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "tui.md").read_text()
    listed = page.partition("The names under `[keys]` are:")[2].partition(". ")[0]
    assert re.findall(r"`([^`]+)`", listed) == sorted(named_bindings())
