"""The command palette: what each word that people know from other tools finds."""

from __future__ import annotations

import pytest
from textual.command import CommandPalette

from stanlocal.api import FTGroup
from stanlocal.model.synonyms import SYNONYMS
from stanlocal.tui.keys import named_bindings
from stanlocal.tui.palette import Palette, action_for, words_of_actions
from tests.support.world import World
from tests.tui.conftest import press_to_ask, running, shown, until, until_shown


async def test_the_palette_has_every_key_by_name(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await press_to_ask(pilot, "ctrl+p")
        await pilot.press(*"restart")
        await until_shown(pilot, "stop the node and start it again  (key r)")
        await pilot.press("enter")
        await until_shown(pilot, "restart t-0?")


async def test_every_word_that_the_command_line_knows_finds_something(
    world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        palette = Palette(pilot.app.screen)
        for word, line in SYNONYMS.items():
            found = [f"{hit.text} {hit.help}" async for hit in palette.search(word)]
            name = line.split()[0]
            binding = named_bindings().get(action_for(name))
            wanted = f"stanlocal --group t {line}" if binding is None else binding.tooltip
            assert any(wanted in text for text in found), (word, found)


@pytest.mark.parametrize(
    ("word", "entry"),
    [
        ("freeze", "Pause"),
        ("help", "Help"),
        ("purge", "stanlocal --group t down --purge"),
        ("repair", "Heal"),
    ],
)
async def test_a_word_of_another_tool_finds_the_action_first(
    word: str, entry: str, world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        hits = [hit async for hit in Palette(pilot.app.screen).search(word)]
        assert max(hits, key=lambda hit: hit.score).text == entry


async def test_a_command_without_a_key_is_copied(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await press_to_ask(pilot, "ctrl+p")
        await pilot.press(*"ls")
        await until_shown(pilot, "stanlocal --group t list")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
        await pilot.press("enter")
        await until_shown(pilot, "copied: stanlocal --group t list")
        assert pilot.app.clipboard == "stanlocal --group t list"
        assert "Palette" not in shown(pilot)


def test_words_lead_only_to_actions_that_exist() -> None:
    named = named_bindings()
    without = {action for action in words_of_actions() if action not in named}
    assert without == {"list", "status", "tour", "tui"}, "commands that the interface has no key for"
