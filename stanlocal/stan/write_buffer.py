"""Frames on their way to NATS: gathered within one turn of the event loop, written in one go.

nats-py's own `publish` checks, formats and wakes a task for each message. Frames that are ready made
are written to its transport directly, which takes a third less time for a synchronous publish.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stanlocal.stan.nats_adapter import NatsAdapter

CHUNK = 64 * 1024
"""Most bytes that are gathered: asyncio's own high-water mark."""


class WriteBuffer:
    """Writer of frames to one NATS connection; what is sent while it is down is dropped."""

    def __init__(self, nats: NatsAdapter) -> None:
        self._write = nats.write
        self._drain = nats.drain
        self._loop = asyncio.get_running_loop()
        self._frames: list[bytes] = []
        self._count = 0
        self._size = 0
        self._due = False
        self.congested = False
        """Whether a chunk went out in this turn of the loop: time to `drain`."""

    def send(self, frames: bytes, count: int = 1) -> None:
        """Write `frames`, which are `count`, before the next turn of the event loop."""
        self._frames.append(frames)
        self._count += count
        self._size += len(frames)
        if self._size >= CHUNK:
            self.congested = True
            self.flush()
        elif not self._due:
            self._due = True
            self._loop.call_soon(self._flush_when_due)

    def send_now(self, frame: bytes) -> None:
        """Write `frame` at once, behind what was sent before."""
        self._frames.append(frame)
        self._count += 1
        self.flush()

    def _flush_when_due(self) -> None:
        self._due = False
        self.flush()

    def flush(self) -> None:
        """Write at once what was sent."""
        if self._frames:
            frames, self._frames = self._frames, []
            count, self._count, self._size = self._count, 0, 0
            self._write(frames[0] if len(frames) == 1 else b"".join(frames), count)

    async def drain(self) -> None:
        """Give the loop a turn, and wait while the server reads slower than the client writes.

        Raises `OSError` when the connection breaks meanwhile.
        """
        self.congested = False
        await asyncio.sleep(0)
        await self._drain()
