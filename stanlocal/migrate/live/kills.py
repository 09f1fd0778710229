"""Kills of active nodes, spread over the phases of a rehearsal."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle, islice
from random import Random

from stanlocal.api import FTGroup
from stanlocal.faults.kill import Kill
from stanlocal.model.states import GroupState

_LATEST_S = 0.8
"""Seconds from a phase's beginning to a kill at most."""
_HEALTHY_S = 60.0


class Kills:
    """Kills of `count` active nodes in `phases`, in turn, at times that the seed decides."""

    def __init__(self, group: FTGroup, count: int, phases: Sequence[str], seed: int) -> None:
        self._group = group
        self._random = Random(seed)
        self._quotas = Counter(islice(cycle(phases), count))

    @asynccontextmanager
    async def during_phase(self, name: str, *, first: bool = False) -> AsyncIterator[None]:
        """Kill while the block runs, and wait for the end of that after it; raises `StanlocalError`.

        With `first` the block begins when the first node has just been killed.
        """
        count, hit = self._quotas[name], asyncio.Event()
        task = asyncio.create_task(self._kill(count, hit, first))
        try:
            if first and count:
                waiting = asyncio.ensure_future(hit.wait())
                await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
            yield
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _kill(self, count: int, hit: asyncio.Event, first: bool) -> None:
        for _ in range(count):
            if not first or hit.is_set():
                await asyncio.sleep(self._random.uniform(0, _LATEST_S))
            injected = await self._group.inject(Kill(), "@active")
            hit.set()
            await injected.failover(timeout=_HEALTHY_S)
            await self._group.heal()
            await self._group.wait_state(GroupState.HEALTHY, timeout=_HEALTHY_S)
