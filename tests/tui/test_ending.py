"""The interface is ended at whatever moment."""

from __future__ import annotations

import asyncio

import pytest

from stanlocal.api import FTGroup
from tests.support.world import World
from tests.tui.conftest import app, piloted


@pytest.mark.parametrize("turns", range(0, 3000, 100))
async def test_ended_while_it_is_still_being_built_up_it_just_ends(
    turns: int, world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with piloted(app(ft_group)):
        for _ in range(turns):
            await asyncio.sleep(0)
