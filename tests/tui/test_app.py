"""The application as a whole: what it shows first, and what it survives."""

from __future__ import annotations

from stanlocal.api import FTGroup
from tests.tui.conftest import WIDE, app, shown, until, until_shown
from tests.unit.core.conftest import World


async def test_a_running_group_is_shown_and_a_lost_engine_is_a_state(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with app(ft_group).run_test(size=WIDE) as pilot:
        await until_shown(pilot, "t: healthy, t-0 is active and every other node stands by")
        with world.machine.losing_engine("the engine is away"):
            await until_shown(pilot, "not seen now: the engine is away")
            assert "last seen: t: healthy" in shown(pilot)
        await until(pilot, lambda: "not seen now" not in shown(pilot))
    assert {node.status for node in world.machine.nodes.values()} == {"running"}
