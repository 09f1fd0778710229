"""A client beside the command that measures how long the group does not serve."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex

from stanlocal.api import FTGroup
from stanlocal.errors import StanError, described
from stanlocal.outages import probe
from stanlocal.outages.silence import SilenceMeter
from stanlocal.util.tasks import beside
from stanlocal.util.timestamps import from_ns

_REQUEST_S = 5.0
"""Seconds for the client's requests, so that its end is not delayed by a group that no longer answers."""


@dataclass(frozen=True, slots=True)
class SeenOutage:
    """A time without an ack, as the client saw it."""

    began: datetime
    """Time of the last ack before it."""
    ms: float
    over: bool = True
    """Whether an ack ended it before the command ended."""


@dataclass(slots=True)
class OutageWatch:
    """The outages so far."""

    outages: list[SeenOutage] = field(default_factory=list)
    problem: str | None = None
    """Why the measurement ended early; None while it goes on."""
    _meter: SilenceMeter = field(default_factory=SilenceMeter)

    def end(self) -> None:
        """Count the outage that still lasts, if there is one; to be called when the command has ended."""
        silence = self._meter.now(time.time_ns())
        if silence is not None and self.problem is None:
            began = from_ns(silence.last_ack or silence.began)
            self.outages.append(_seen(began, from_ns(silence.ended), over=False))


def _seen(began: datetime, ended: datetime, *, over: bool) -> SeenOutage:
    return SeenOutage(began, round((ended - began).total_seconds() * 1000, 3), over)


@asynccontextmanager
async def watched_outages(group: FTGroup) -> AsyncIterator[OutageWatch]:
    """Measure the outages during the block, with a client that is connected when the block begins.

    Each is recorded in the group's history, so that failovers have their last phase. Raises what `connect`
    does.
    """
    watch = OutageWatch()
    client = await group.connect(f"stanlocal-run-{token_hex(4)}", request_timeout=_REQUEST_S)
    try:

        async def measure() -> None:
            try:
                async with aclosing(probe.outages(client, meter=watch._meter)) as outages:
                    async for outage in outages:
                        await group.record_outage(outage)
                        watch.outages.append(_seen(outage.last_ack, outage.first_ack, over=True))
            except Exception as error:  # noqa: BLE001 - what is not measured must not pass for no outage
                watch.problem = f"outages were measured only until the client's end: {described(error)}"

        async with beside(measure()):
            yield watch
    finally:
        with suppress(StanError):  # all was measured
            await client.close()
