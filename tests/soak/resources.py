"""Resources that this process and the machine hold for a group, counted before and after a run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, fields
from statistics import median

import psutil

from stanlocal.engine.docker import endpoint
from stanlocal.machine.user_dirs import state_home
from tests.support.census import take
from tests.support.processes import processes_of

_EVERY_S = 2.0
_SLACK = 2 << 20
"""Bytes by which memory may differ between the second and the last sixth of a run, for it to be flat."""
_WARM_S = 600.0
"""Seconds of a run before which it has not warmed up: its memory is shown, not judged."""


@dataclass(frozen=True, slots=True)
class Held:
    """Numbers of the resources that are held."""

    descriptors: int
    threads: int
    tasks: int
    processes: int
    containers: int
    networks: int
    volumes: int
    folders: int

    def more_than(self, before: Held) -> list[str]:
        """Return what is more than before, in words."""
        both = ((each.name, getattr(before, each.name), getattr(self, each.name)) for each in fields(self))
        return [f"{now} {name} at the end, {then} at the start" for name, then, now in both if now > then]


def held(group: str, on_docker: bool) -> Held:
    """Count the parts of a group, and the handles that this process has open. Runs on the event loop."""
    home = state_home()
    containers = networks = volumes = 0
    if on_docker:
        with closing(endpoint.connect()) as client:
            census = take(client, prefix=group)
            containers, networks, volumes = map(len, (census.containers, census.networks, census.volumes))
    folders = [each for each in home.iterdir() if not each.name.startswith("_")] if home.exists() else []
    return Held(
        psutil.Process().num_fds(),
        threading.active_count(),
        len(asyncio.all_tasks()),
        len(processes_of(home / group)),
        containers,
        networks,
        volumes,
        len(folders),
    )


class Memory:
    """Resident memory of this process, sampled while a run lasts."""

    def __init__(self) -> None:
        self.samples: list[int] = []

    async def sample(self) -> None:
        """Sample until cancelled."""
        process = psutil.Process()
        while True:
            self.samples.append(process.memory_info().rss)
            await asyncio.sleep(_EVERY_S)

    @property
    def growth(self) -> int:
        """Bytes by which the median of the last sixth exceeds that of the second one; the first warms up."""
        return growth(self.samples)

    def problems(self) -> list[str]:
        """Return that it grew, if it did."""
        if self.growth <= _SLACK or len(self.samples) * _EVERY_S < _WARM_S:
            return []
        return [f"memory grew by {self.growth / (1 << 20):.1f} MB between the second and the last sixth"]


def growth(samples: Sequence[int]) -> int:
    """Return by how much the median of the last sixth exceeds that of the second; 0 for few samples."""
    sixth = len(samples) // 6
    if not sixth:
        return 0
    return int(median(samples[-sixth:]) - median(samples[sixth : 2 * sixth]))


@asynccontextmanager
async def memory() -> AsyncIterator[Memory]:
    """Sample the memory of this process meanwhile."""
    sampled = Memory()
    sampling = asyncio.create_task(sampled.sample())
    try:
        yield sampled
    finally:
        sampling.cancel()
        await asyncio.wait([sampling])
