"""Timed faults: shown until they end by themselves, and healed before the interface ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from textual.screen import Screen

from stanlocal.errors import StanlocalError
from stanlocal.faults.injected_fault import InjectedFault
from stanlocal.model.command_line import Command
from stanlocal.model.fault_record import FaultRecord
from stanlocal.tui.widgets.last_action import LastAction


class TimedFaults:
    """Any number of timed faults at once, each in a worker of `screen`."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._running: dict[asyncio.Task[FaultRecord], str] = {}

    @property
    def names(self) -> Sequence[str]:
        """Names of the timed faults that are running."""
        return [*self._running.values()]

    async def run(
        self, name: str, command: Command, inject: Callable[[], Coroutine[Any, Any, InjectedFault]]
    ) -> None:
        """Inject a fault, show its outcome, and finally that it is over.

        Raises what `inject` and `InjectedFault.wait_and_heal` raise. When cancelled, it leaves the fault to
        `end`, which returns how it ended.
        """
        observe = partial(self._screen.query_one(LastAction).observe, command)

        async def last() -> FaultRecord:
            injected = await inject()
            return await injected.wait_and_heal(observe)

        lasting = asyncio.create_task(last())
        self._running[lasting] = name
        lasting.add_done_callback(self._running.pop)
        observe(await asyncio.shield(lasting))

    async def end(self) -> Sequence[str]:
        """Heal all running faults now, and return how each ended.

        A second call waits as well: it does not interrupt the healing.
        """
        running = dict(self._running)
        for lasting in running:
            if not lasting.cancelling():
                lasting.cancel()
        if running:
            await asyncio.wait(running)
        return [f"{name}: {_end(lasting)}" for lasting, name in running.items()]


def _end(lasting: asyncio.Task[FaultRecord]) -> str:
    if lasting.cancelled():
        return "healed before its time was up"
    try:
        lasting.result()
    except StanlocalError as error:
        return f"not healed ({error}); the next command that changes the group heals it"
    return "its time was up, and it is healed"
