"""The panel of nodes: what it shows, and which node keys act on."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from textual._compositor import Compositor
from textual.widgets import TabbedContent

from stanlocal.api import FTGroup
from stanlocal.tui.widgets.nodes import ACTIVE, NodeCard, Nodes
from tests.support.world import World
from tests.tui.conftest import NARROW, WIDE, running, shown, until, until_shown


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_nodes_stand_on_top_or_beside_with_everything_of_each(
    size: tuple[int, int], world: World, ft_group: FTGroup
) -> None:
    await world.up()
    async with running(ft_group, size=size) as pilot:
        await until_shown(pilot, "routes 1/1")
        text = shown(pilot)
        for part in ("t-0", "t-1", "active", "standby", ":4222", ":8223", "lock", "3 conn", "5%", "20"):
            assert part in text
        nodes, panes = (
            pilot.app.screen.query_one(Nodes).region,
            pilot.app.screen.query_one(TabbedContent).region,
        )
        assert nodes.right == panes.x if size == WIDE else nodes.bottom == panes.y
        assert panes.right == size[0]


async def test_resized_screen_is_arranged_again(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group, size=WIDE) as pilot:
        card = pilot.app.screen.query(NodeCard).first()
        assert not card.compact
        await pilot.resize_terminal(*NARROW)
        await until(pilot, lambda: card.compact and card.size.height == 1)
        await pilot.resize_terminal(*WIDE)
        await until(pilot, lambda: not card.compact and card.size.height > 1)


async def test_a_state_that_changes_is_drawn_without_a_layout_of_the_screen(
    world: World, ft_group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A layout takes longer than all else between a log line and the state on the screen."""
    reflow, layouts = Compositor.reflow, Counter[str]()

    def counted(self: Compositor, *given: Any, **named: Any) -> Any:
        layouts["all"] += 1
        return reflow(self, *given, **named)

    await world.up()
    async with running(ft_group) as pilot:
        await until_shown(pilot, "t: healthy")
        for _ in range(2):  # the first time all else has been laid out, too
            await pilot.pause()
            layouts.clear()
            monkeypatch.setattr(Compositor, "reflow", counted)
            await ft_group.stop("t-1")
            await until_shown(pilot, "t-1 is stopped")
            await ft_group.start("t-1")
            await until_shown(pilot, "t: healthy")
        assert layouts.total() == 0


async def test_keys_act_on_whichever_node_is_active_until_another_is_selected(
    world: World, ft_group: FTGroup
) -> None:
    await world.up(nodes=3)
    async with running(ft_group) as pilot:
        nodes = pilot.app.screen.query_one(Nodes)
        assert nodes.target == ACTIVE
        targets = []
        for key in ("j", "j", "j", "J", "J"):
            await pilot.press(key)
            targets.append(nodes.target)
        assert targets == ["t-1", "t-2", "t-0", "t-2", "t-1"]
        nodes.focus()
        await pilot.press("down")
        assert nodes.target == "t-2"
        await pilot.press("up", "up")
        assert nodes.target == "t-0"
        await pilot.press("a")
        assert nodes.target == ACTIVE
        await pilot.click(list(pilot.app.screen.query(NodeCard))[1])
        assert nodes.target == "t-1"


async def test_the_mark_follows_the_active_node(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        first, second = pilot.app.screen.query(NodeCard)
        assert (first.mark, second.mark) == (ACTIVE, "")
        await ft_group.kill("@active")
        await until(pilot, lambda: (first.mark, second.mark) == ("", ACTIVE))


@pytest.mark.parametrize(("act", "part"), [("pause", "PAUSED"), ("partition", "PARTITIONED")])
async def test_acts_from_outside_are_shown(act: str, part: str, world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await getattr(ft_group, act)("t-1")
        await until_shown(pilot, part)
        await ft_group.heal()
        await until(pilot, lambda: part not in shown(pilot))


async def test_a_failed_node_says_why(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        server = world.machine.nodes["t-1"].server
        assert server is not None
        server.signal("SIGQUIT")
        await until_shown(pilot, "exit 2:")
        assert "t-1 is failed: see its log, S starts it" in shown(pilot)


async def test_a_node_that_vanishes_is_shown_as_gone_and_comes_back(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await world.engine.remove("t-1")
        await until_shown(pilot, "gone")
        await world.up()
        await until_shown(pilot, "t: healthy")
        await until(pilot, lambda: "gone" not in shown(pilot))


async def test_a_group_that_grows_is_followed(world: World, ft_group: FTGroup) -> None:
    await world.up()
    async with running(ft_group) as pilot:
        await world.up(nodes=3)
        await until_shown(pilot, "t-2")
        await until_shown(pilot, "t: healthy")
        await ft_group.kill("t-2")
        await until_shown(pilot, "t-2 is stopped: S starts it")
