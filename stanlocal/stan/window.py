"""Waiters for room in the window of unacknowledged messages: first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque


class WindowWaiters:
    """The publishers that wait for room; one that is cancelled hands its turn on."""

    def __init__(self) -> None:
        self._turns: deque[asyncio.Future[None]] = deque()

    def __bool__(self) -> bool:
        return bool(self._turns)

    async def wait(self) -> None:
        """Return when it is the caller's turn to look whether there is room."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give()
            elif turn in self._turns:  # else `give` has already skipped it
                self._turns.remove(turn)
            raise

    def give(self) -> None:
        """Wake the first waiter: there is room for one message."""
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def give_all(self) -> None:
        """Wake every waiter."""
        while self._turns:
            self.give()
