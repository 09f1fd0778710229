"""Waiting for room in the window, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque


class Room:
    """Those who wait for room; cancelled ones hand their turn on."""

    def __init__(self) -> None:
        self._turns: deque[asyncio.Future[None]] = deque()

    def __bool__(self) -> bool:
        return bool(self._turns)

    async def wait(self) -> None:
        """Return when it is our turn to look whether there is room."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give()
            elif turn in self._turns:  # else `give` has already passed it over
                self._turns.remove(turn)
            raise

    def give(self) -> None:
        """There is room for one."""
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def give_all(self) -> None:
        """Nobody has to wait any more."""
        while self._turns:
            self.give()
