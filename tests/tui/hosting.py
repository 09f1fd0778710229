"""One pane on a screen of its own, over a group whose clients and records are in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar, cast

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Footer, Input, Static

from stanlocal.api import FTGroup
from stanlocal.history.occurrences import Outage
from stanlocal.outages.gaps import Gap
from stanlocal.tui.messages import GapFelt
from stanlocal.tui.themes import THEMES
from stanlocal.tui.widgets.live_table import LiveTable
from tests.support.fake_clients import FakeServing
from tests.tui.conftest import until

P = TypeVar("P", bound=Widget)


class FakeGroup:
    """The part of an `FTGroup` that panes use."""

    def __init__(self) -> None:
        self.server = FakeServing()
        self.connect = self.server.connect
        self.recorded: list[Outage] = []
        self.probed: asyncio.Queue[Outage] = asyncio.Queue()
        """Outages that the probe will see."""
        self.probing = False

    @property
    def real(self) -> FTGroup:
        """The group with the type that panes take."""
        return cast(FTGroup, self)

    async def record_outage(self, outage: Outage) -> None:
        self.recorded.append(outage)

    async def probe(self) -> AsyncGenerator[Outage]:
        self.probing = True
        try:
            while True:
                yield await self.probed.get()
        finally:
            self.probing = False


class Host(App[None]):
    """Shows the pane, and takes what it posts."""

    def __init__(self, pane: Widget) -> None:
        super().__init__()
        self.pane = pane
        self.felt: list[Gap] = []
        self.animation_level = "none"
        self.register_theme(THEMES[0])
        self.theme = THEMES[0].name

    def compose(self) -> ComposeResult:
        yield self.pane
        yield Footer(show_command_palette=False, compact=True)

    def on_gap_felt(self, message: GapFelt) -> None:
        self.felt.append(message.gap)


class Desk(Generic[P]):
    """A pane that is shown, and what a test does with it."""

    def __init__(self, group: FakeGroup, pane: P, pilot: Pilot[None], host: Host) -> None:
        self.group, self.pane, self.pilot, self.host = group, pane, pilot, host

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    def fill(self, **texts: str) -> None:
        """Writes into the fields of a form."""
        for name, text in texts.items():
            self.pane.query_one(f"#{name}", Input).value = text

    def cells(self, row: int = 0, table: str = "running") -> list[str]:
        """Return the cells of a table's row; empty without that row."""
        found = self.pane.query_one(f"#{table}", LiveTable)
        return [cell.plain for cell in found.get_row_at(row)] if row < found.row_count else []

    def says(self, where: str) -> str:
        """Return the text of a line."""
        return str(self.pane.query_one(f"#{where}", Static).render())

    @property
    def notified(self) -> str:
        """Text of all notifications."""
        return " ".join(each.message for each in self.host._notifications)

    async def until(self, reached: Callable[[], bool]) -> None:
        await until(self.pilot, reached)


@asynccontextmanager
async def shown(
    make: Callable[[FTGroup], P], group: FakeGroup | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Desk[P]]:
    """The pane on the screen; no client of its may be left when that is closed."""
    group = group or FakeGroup()
    pane = make(group.real)
    host = Host(pane)
    async with host.run_test(size=size) as pilot:
        yield Desk(group, pane, pilot, host)
    assert group.server.open_clients == []
    assert not group.probing
