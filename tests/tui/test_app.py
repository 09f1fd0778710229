"""The application as a whole: what it shows first, and what it survives."""

from __future__ import annotations

from stanlocal.api import FTGroup
from stanlocal.tui.widgets.group_bar import GroupBar
from tests.tui.conftest import app, until
from tests.unit.core.conftest import World


async def test_a_running_group_is_shown_and_a_lost_engine_is_a_state(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with app(ft_group).run_test() as pilot:
        bar = pilot.app.screen.query_one(GroupBar)
        await until(pilot, lambda: "healthy" in bar.render().plain)
        with world.machine.losing_engine("the engine is away"):
            await until(pilot, lambda: "engine is away" in bar.render().plain)
        await until(pilot, lambda: "healthy" in bar.render().plain)
    assert {node.status for node in world.machine.nodes.values()} == {"running"}
