"""A client that publishes all the time, to time outages as clients feel them; switched on and off."""

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

_PARTING_S = 1.0


class Probing(Static):
    """Whether it runs, and what it has seen; what it sees is put on record by the group."""

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
            self.update("without a client no outage is felt: o starts one that publishes all the time")

    async def _probe(self) -> None:
        self._ended.clear()
        self.update(f"a client publishes to '{CHANNEL}' all the time, and times outages")
        try:
            async with aclosing(self._group.probe()) as outages:
                async for outage in outages:
                    self._tell(outage)
        except StanlocalError as error:
            self.on = False
            self.update(f"the probe ended: {error}")
        finally:
            self._ended.set()

    def _tell(self, outage: Outage) -> None:
        self._seen += 1
        last = f"{ms(Gap('pub', CHANNEL, outage).ms)} ms from {outage.last_ack.astimezone():%H:%M:%S}"
        self.update(f"a client publishes all the time: {self._seen} outages, the last {last}")

    async def on_unmount(self) -> None:
        """The client says goodbye to the server, if there is one."""
        self.workers.cancel_group(self, "probe")
        waiting = asyncio.ensure_future(self._ended.wait())
        await asyncio.wait([waiting], timeout=_PARTING_S)
        waiting.cancel()
