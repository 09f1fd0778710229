"""Faults that are to end by themselves: told until then, and healed before the interface ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from textual.screen import Screen

from stanlocal.errors import StanlocalError
from stanlocal.faults.injected import InjectedFault
from stanlocal.model.fault_record import FaultRecord
from stanlocal.tui.actions import Command
from stanlocal.tui.widgets.last_action import LastAction


class TimedFaults:
    """Any number of them at once; each is seen to its end by a worker of `screen`."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._running: dict[asyncio.Task[FaultRecord], str] = {}

    @property
    def names(self) -> Sequence[str]:
        """Of those that go on."""
        return [*self._running.values()]

    async def run(
        self, name: str, command: Command, inject: Callable[[], Coroutine[Any, Any, InjectedFault]]
    ) -> None:
        """Injects a fault, tells what comes of it, and at its end that it is over.

        Raises what `inject` and `InjectedFault.last` raise. Cancelled, it leaves all to `end`: screens cancel
        their workers several times, which would cut the healing short.
        """
        tell = partial(self._screen.query_one(LastAction).tell, command)

        async def last() -> FaultRecord:
            injected = await inject()
            return await injected.last(tell)

        lasting = asyncio.create_task(last())
        self._running[lasting] = name
        lasting.add_done_callback(self._running.pop)
        tell(await asyncio.shield(lasting))

    async def end(self) -> Sequence[str]:
        """Heals what goes on, whatever time it has left, and says what became of each.

        Asked again it waits, too: what heals is not cut short.
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
