"""Names and payloads that anyone may choose, on every screen: nothing of them acts upon the terminal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rich.segment import Segment
from textual.color import Color
from textual.pilot import Pilot

from stanlocal.api import FTGroup
from stanlocal.model.instance import RawLine
from stanlocal.tui.messages import Said
from stanlocal.tui.terminal import PrintableLines
from tests.support.world import World
from tests.tui.conftest import running, shown, until, until_shown
from tests.tui.data.monitors import FakeMonitors, monitors
from tests.tui.data.samples import channel, subscription

__all__ = ["monitors"]

HOSTILE = "e\x1b[2J\x9b31m\u202egnp"
SHOWN = r"e\x1b[2J\x9b31m\u202egnp"


def no_terminal_would_act(pilot: Pilot[None]) -> bool:
    return shown(pilot).replace("\n", "").isprintable()


async def test_no_screen_lets_anything_through(
    world: World, ft_group: FTGroup, monitors: FakeMonitors
) -> None:
    reader = subscription("c", durable_name=HOSTILE, is_offline=True, is_durable=True)
    monitors.channels = [channel(HOSTILE, 9000, reader)]
    await world.up()
    async with running(ft_group) as pilot:
        world.machine.nodes["t-0"].write(
            RawLine(datetime.now(UTC), f"[1] 2026/01/01 00:00:00.000000 [INF] {HOSTILE}")
        )
        await until_shown(pilot, SHOWN)
        assert no_terminal_would_act(pilot)
        pilot.app.post_message(Said(f"a note of {HOSTILE}"))
        await until_shown(pilot, f"a note of {SHOWN}", broken=True)
        for pane in "1234567":
            await pilot.press(pane)
            await pilot.pause()
            assert no_terminal_would_act(pilot), pane
        await pilot.press("6")
        for _ in range(4):
            await until(pilot, lambda: no_terminal_would_act(pilot))
            await pilot.press("right_square_bracket")


@pytest.mark.parametrize(
    ("texts", "becomes"),
    [
        (("plain", "   "), "plain   "),
        (("a\x1bb", " " * 10, "|"), r"a\x1bb      |"),
        (("\x9b\u202e", "x" * 8), r"\x9b\u20"),
        (("漢\x1b漢", "      "), r"漢\x1b漢  "),
    ],
)
def test_a_line_stays_as_long_as_it_was(texts: tuple[str, ...], becomes: str) -> None:
    line = PrintableLines().apply([Segment(text) for text in texts], Color(0, 0, 0))
    assert "".join(segment.text for segment in line) == becomes
