"""`Recorder` without ``async``; see `stanlocal.testing`."""

from __future__ import annotations

from collections.abc import Callable

from stanlocal import testing
from stanlocal.sync.mirror import Blocking, Same, blocking
from stanlocal.sync.stan import Message


class Recorder(Blocking[testing.Recorder]):
    """Records what a subscriber was given; hand it to `subscribe` as the callback."""

    data = Same[list[bytes]]()
    sequences = Same[list[int]]()
    wait = blocking(testing.Recorder.wait)

    def __init__(self, handler: Callable[[Message], object] | None = None) -> None:
        self._real = testing.Recorder()
        self._handler = handler

    def __call__(self, message: Message) -> None:
        """What a subscription calls: hands the message on, then notes it."""
        if self._handler is not None:
            self._handler(message)
        self._real.note(message)

    def __len__(self) -> int:
        return len(self._real)
