"""The probe of the failovers pane: a client that publishes continuously, and times outages."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from textual.reactive import reactive
from textual.widgets import Static

from stanlocal.api import FTGroup
from stanlocal.errors import StanlocalError
from stanlocal.history.occurrences import Outage
from stanlocal.outages.gaps import Gap
from stanlocal.outages.probe import CHANNEL
from stanlocal.util.format import ms

_CLOSE_TIMEOUT_S = 1.0


class Probing(Static):
    """The outage probe, which runs while `on`, and its last outage; the group records all of them."""

    DEFAULT_CSS = """
    Probing { height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    on: reactive[bool] = reactive(False)

    def __init__(self, group: FTGroup) -> None:
        super().__init__(markup=False)
        self._group = group
        self._ended = asyncio.Event()
        self._ended.set()
        self._seen = 0

    def watch_on(self) -> None:
        if self.on:
            self.run_worker(self._probe(), name="probe", group="probe", exclusive=True)
        else:
            self.workers.cancel_group(self, "probe")
            self.update("no client measures outages: o starts one that publishes continuously")

    async def _probe(self) -> None:
        self._ended.clear()
        self.update(f"a client publishes to '{CHANNEL}' continuously, and times outages")
        try:
            async with aclosing(self._group.probe()) as outages:
                async for outage in outages:
                    self._show_outage(outage)
        except StanlocalError as error:
            self.on = False
            self.update(f"the probe ended: {error}")
        finally:
            self._ended.set()

    def _show_outage(self, outage: Outage) -> None:
        self._seen += 1
        last = f"{ms(Gap('pub', CHANNEL, outage).ms)} ms from {outage.last_ack.astimezone():%H:%M:%S}"
        self.update(f"a client publishes continuously: {self._seen} outages, the last {last}")

    async def on_unmount(self) -> None:
        """Let the client disconnect from the server."""
        self.workers.cancel_group(self, "probe")
        waiting = asyncio.ensure_future(self._ended.wait())
        await asyncio.wait([waiting], timeout=_CLOSE_TIMEOUT_S)
        waiting.cancel()
