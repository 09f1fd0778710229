"""State that the parts of a client share: the registration, whether the active answers, and the end.

Each part gets the `ConnectionState` in its constructor, reports changes to it, and as a `Listener` is called
for changes that others reported. So the parts need no reference to each other.
"""

from __future__ import annotations

import asyncio

from stanlocal.stan.errors import ConnectionLost, StanError
from stanlocal.stan.session import Session


class Listener:
    """Reactions to changes of the state; each does nothing unless a part overrides it."""

    def active_doubted(self) -> None:
        """The active may be gone."""

    def active_lost(self) -> None:
        """Requests and messages sent to the active will not be answered."""

    async def active_found(self) -> None:
        """The active answers, and knows the client."""

    def registered(self) -> None:
        """The state has another session: the client was registered again."""

    def ended(self, reason: StanError) -> None:
        """The client has ended: nothing is sent or received from now on."""

    def lost(self, error: StanError) -> None:
        """The client is gone for good, and its owner did not close it; `ended` came first."""


class ConnectionState:
    """The state of one registered client. For one event loop."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.end_reason: StanError | None = None
        """The error of every call from now on, once the client is closed or lost."""
        self._active = asyncio.Event()
        self._active.set()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Have `listener` called at each change, after those that came before it."""
        self._listeners.append(listener)

    # The active

    async def wait_active(self) -> None:
        """Return once the active answers, as far as is known, or the client has ended."""
        await self._active.wait()

    def suspect(self, *, lost: bool) -> None:
        """Report doubt about the active; `lost` when what was sent before will certainly not be answered."""
        if lost:
            self.lose_active()
        for each in self._listeners:
            each.active_doubted()

    def lose_active(self) -> None:
        """Report that what was sent to the active will not be answered."""
        self._active.clear()
        for each in self._listeners:
            each.active_lost()

    async def find_active(self) -> None:
        """Report that the active answers, and knows the client."""
        self._active.set()
        for each in self._listeners:
            await each.active_found()

    def register(self, session: Session) -> None:
        """Report that the client is registered again."""
        self.session = session
        for each in self._listeners:
            each.registered()
        self._active.set()

    # The end

    def guard(self, task: asyncio.Task[None]) -> None:
        """Lose the client when a task that it needs fails, instead of going on without the task."""
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            lost = ConnectionLost(f"connection lost: {task.get_name()} failed: {error!r}; connect again")
            lost.__cause__ = error
            self.lose(lost)

    def lose(self, error: StanError) -> None:
        """Report that the client is gone for good, and that its owner did not close it."""
        if self.end_reason is None:
            self.end(error)
            for each in self._listeners:
                each.lost(error)

    def end(self, reason: StanError) -> None:
        """End the client: every waiting call fails with `reason`, and every later one."""
        self.end_reason = reason
        for each in self._listeners:
            each.ended(reason)
        self._active.set()
