"""The clock of a replay: runs at a chosen speed, pauses, and jumps from moment to moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0)
"""Speeds to choose from, as multiples of real time."""


class ReplayClock:
    """A position in a drill, in seconds since its start, which moves while the clock runs."""

    def __init__(self, length: float, *, now: Callable[[], float] = monotonic) -> None:
        self.length = length
        self.running = True
        self.speed = 1.0
        self._now = now
        self._at, self._since = 0.0, now()
        self._next: float | None = None
        self._changed = asyncio.Event()

    @property
    def position(self) -> float:
        """Seconds since the start of the drill, at most its length."""
        moved = (self._now() - self._since) * self.speed if self.running else 0.0
        return min(self._at + moved, self.length)

    def go_or_stop(self) -> None:
        """Stop the clock, or let it go on."""
        self._set(self.position, running=not self.running)

    def change_speed(self, by: int) -> None:
        """Choose the next faster (1) or slower (-1) speed."""
        at = SPEEDS.index(self.speed) + by
        self._set(self.position, speed=SPEEDS[max(0, min(at, len(SPEEDS) - 1))])

    def step(self) -> None:
        """Stop the clock at the moment that is waited for."""
        self._set(self.position if self._next is None else self._next, running=False)

    def begin_again(self) -> None:
        """Go back to the start."""
        self._set(0.0)

    async def until(self, at: float) -> None:
        """Return once the position is at least `at`."""
        self._next = at
        while (left := at - self.position) > 0:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left / self.speed if self.running else None):
                    await self._changed.wait()
        self._next = None

    def _set(self, at: float, *, running: bool | None = None, speed: float | None = None) -> None:
        self._at, self._since = at, self._now()
        self.running = self.running if running is None else running
        self.speed = self.speed if speed is None else speed
        self._changed.set()
