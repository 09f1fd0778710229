"""`Recorder` without ``async``; see `stanlocal.stan.recorder`."""

from __future__ import annotations

from collections.abc import Callable

from stanlocal.stan import recorder
from stanlocal.sync.mirror import Blocking, Same, blocking
from stanlocal.sync.stan import Message


class Recorder(Blocking[recorder.Recorder]):
    """Record of the messages that a subscriber received; hand it to `subscribe` as the callback."""

    data = Same[list[bytes]]()
    sequences = Same[list[int]]()
    wait = blocking(recorder.Recorder.wait)

    def __init__(self, handler: Callable[[Message], object] | None = None) -> None:
        self._real = recorder.Recorder()
        self._handler = handler

    def __call__(self, message: Message) -> None:
        """Hand the message on, then note it: called by the subscription."""
        if self._handler is not None:
            self._handler(message)
        self._real.note(message)

    def __len__(self) -> int:
        return len(self._real)
