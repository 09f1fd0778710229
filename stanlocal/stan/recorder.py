"""`Recorder` and `assert_no_loss`: whether a subscriber received all that was acknowledged."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

from stanlocal.errors import WaitTimeout

if TYPE_CHECKING:
    from stanlocal.stan.message import Message

_SHOWN = 5
"""Number of lost messages that an assertion shows; it counts all."""


class Delivered(Protocol):
    """The part of a message that is recorded."""

    @property
    def sequence(self) -> int: ...

    @property
    def data(self) -> bytes: ...


def assert_no_loss(published: Iterable[bytes], received: Iterable[bytes | Delivered]) -> None:
    """Raise `AssertionError` unless everything that was published and acknowledged has been received.

    Delivery is at least once: messages that arrived again, and further messages, are no loss. A payload
    that was published several times has to arrive as often.
    """
    wanted = Counter(published)
    got = Counter(each if isinstance(each, bytes) else each.data for each in received)
    lost = list((wanted - got).elements())
    if lost:
        shown = ", ".join(repr(data[:80]) for data in lost[:_SHOWN])
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        raise AssertionError(
            f"{len(lost)} of {wanted.total()} acknowledged messages were not received: {shown}{more}"
        )


class Recorder:
    """Record of the messages that a subscriber received; hand it to `subscribe` as the callback.

    ::

        recorder = Recorder(handle_order)               # or Recorder() alone
        await client.subscribe("orders", recorder)
        ...
        await recorder.wait(100, timeout=10)
        assert_no_loss(published, recorder.data)

    A message is noted once the subscriber, a function or coroutine function, has returned; redelivered
    ones are noted again.
    """

    def __init__(self, handler: Callable[[Message], Awaitable[None] | None] | None = None) -> None:
        self._handler = handler
        self._noted: list[Delivered] = []
        self._waiting: list[tuple[int, Future[None]]] = []
        self._changing = threading.Lock()

    async def __call__(self, message: Message) -> None:
        """Hand the message on, then note it: called by the subscription."""
        if self._handler is not None:
            result = self._handler(message)
            if inspect.isawaitable(result):
                await result
        self.note(message)

    def note(self, message: Delivered) -> None:
        """Note one message; callable from any thread."""
        with self._changing:
            self._noted.append(message)
            due = [each for each in self._waiting if each[0] <= len(self._noted)]
            self._waiting = [each for each in self._waiting if each not in due]
        for _, reached in due:
            if not reached.done():
                reached.set_result(None)

    @property
    def data(self) -> list[bytes]:
        """Payloads in the order in which they were noted."""
        return [message.data for message in list(self._noted)]

    @property
    def sequences(self) -> list[int]:
        """Sequence numbers in the order in which the messages were noted."""
        return [message.sequence for message in list(self._noted)]

    def __len__(self) -> int:
        return len(self._noted)

    async def wait(self, count: int, *, timeout: float = 10.0) -> list[bytes]:
        """Wait for `count` messages and return their payloads; `WaitTimeout` after `timeout` seconds."""
        reached: Future[None] = Future()
        with self._changing:
            if len(self._noted) >= count:
                reached.set_result(None)
            else:
                self._waiting.append((count, reached))
        try:
            async with asyncio.timeout(timeout):
                await asyncio.wrap_future(reached)
        except TimeoutError:
            raise WaitTimeout(
                f"{count} messages: {len(self)} came within {timeout:g} s; "
                "is the subscription's start position the one you mean?",
                {},
            ) from None
        return self.data
