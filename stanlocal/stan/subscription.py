"""A subscription: deliveries in order, one at a time, and their acknowledgements."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from stanlocal.stan import wire
from stanlocal.stan.delivery_buffer import DeliveryBuffer
from stanlocal.stan.errors import (
    AlreadyAcked,
    BadReply,
    InvalidOption,
    NotManualAck,
    StanError,
    SubscriptionClosed,
)
from stanlocal.stan.link import Link
from stanlocal.stan.message import Message
from stanlocal.stan.next_timeout import in_time
from stanlocal.stan.options import SubscriptionOptions

if TYPE_CHECKING:
    from nats.aio.subscription import Subscription as NatsSubscription

log = logging.getLogger(__name__)

TURN = 256
"""Messages handed to a callback that never waits before the event loop gets a turn."""

Callback = Callable[[Message], Awaitable[None] | None]


class SubscriptionRegistry(Protocol):
    """The part that ends subscriptions at the server."""

    async def end(self, subscription: Subscription, unsubscribe: bool) -> None:
        """Close or unsubscribe the subscription at the server."""


class Subscription:
    """A subscription to one channel, with a callback or as an asynchronous iterator.

    Messages come one at a time, in the order the server sent them; another subscription's callback
    is not waited for. Delivery is at least once. Without `manual_ack` a message is acknowledged when
    its callback returns, or, in ``async for``, when the next one is asked for; when a callback
    raises, it is not, the error is logged (and kept in `last_error`), and the message comes again
    after `ack_wait`.

    ``async with`` acknowledges the message in hand and closes when the block ends well; when it
    raises, it only closes.
    """

    def __init__(
        self,
        registry: SubscriptionRegistry,
        link: Link,
        options: SubscriptionOptions,
        callback: Callback | None,
    ) -> None:
        self._registry = registry
        self._link = link
        self._write_buffer = link.write_buffer
        self.options = options
        self._callback = callback
        self._manual_ack = options.manual_ack
        self.buffer = DeliveryBuffer(options.max_inflight)
        self._kept = self.buffer.kept
        self._task: asyncio.Task[None] | None = None
        self._in_hand: Message | None = None
        self._acks: wire.AckEncoder | None = None
        self._registered = asyncio.Event()
        self._ended: StanError | None = None
        self._drain_only = False
        self.ack_inbox = ""
        self.inbox = ""
        self.nats_subscription: NatsSubscription | None = None
        self.end_asked: set[str] = set()
        self.since = datetime.now(UTC)
        """Time (UTC) at which it was made."""
        self.last_sequence = 0
        """The highest sequence that was acknowledged."""
        self._unacknowledged: set[int] = set()
        self.delivered = 0
        """Messages handed over so far."""
        self.last_error: BaseException | None = None
        """Last error of the callback."""
        if callback is not None:
            self._task = asyncio.create_task(self._deliver(callback), name=f"stan-{options.channel}")

    @property
    def channel(self) -> str:
        """The channel."""
        return self.options.channel

    @property
    def resume_at(self) -> int:
        """Sequence to resume from if the subscription is made again: the first that is not processed."""
        return min(self._unacknowledged, default=self.last_sequence + 1)

    @property
    def pending(self) -> int:
        """Messages received and not handed over yet: twice `max_inflight` at most."""
        return len(self._kept)

    @property
    def is_open(self) -> bool:
        """Whether messages still come."""
        return self._ended is None

    def __repr__(self) -> str:
        state = "open" if self.is_open else "ended"
        return (
            f"<Subscription {self.channel} {state} last_sequence={self.last_sequence} pending={self.pending}>"
        )

    # From the server

    def registered(self, ack_inbox: str) -> None:
        """Hand over from now on: the server has the subscription. Deliveries may have come before."""
        self.ack_inbox = ack_inbox
        self._acks = wire.AckEncoder(ack_inbox, self.channel)
        self._registered.set()

    def forget_deliveries(self) -> None:
        """Drop what was received and not handed over, as its registration is gone."""
        self._kept.clear()
        self._registered.clear()
        self._acks = None

    # To the application

    async def _arrival(self) -> None:
        """Return when there is something to hand over, or nothing more will come."""
        while True:
            if self._kept and self._registered.is_set():
                return
            if self._ended is not None or (self._drain_only and not self._kept):
                return
            if self._kept:
                await self._registered.wait()
                continue
            await self.buffer.wait()

    def _next(self) -> Message | None:
        """Return the next message, if the server has the subscription; skip what is not a message."""
        if self._acks is None:
            return None
        message = self.buffer.take(self, self._garbage)
        if message is not None:
            self.delivered += 1
            if self._manual_ack:
                self._unacknowledged.add(message.sequence)
        return message

    def _garbage(self, error: BadReply) -> None:
        """Report bytes that are no message: as an error once, then quietly, to keep the log short."""
        level = logging.DEBUG if isinstance(self.last_error, BadReply) else logging.ERROR
        log.log(level, "subscription to %r: %s", self.channel, error)
        self.last_error = error

    async def _deliver(self, callback: Callback) -> None:
        """Hand over one message at a time, and give the loop a turn where the callback never waits.

        Acknowledgements of messages that follow one another are sent together: before the callback waits,
        and at the end of the turn.
        """
        processed: list[int] = []
        automatic = not self._manual_ack
        while not (self._ended is not None or (self._drain_only and not self._kept)):
            await self._arrival()
            left = TURN
            try:
                while left and (message := self._next()) is not None:
                    left -= 1
                    try:
                        result = callback(message)
                        if result is not None and inspect.isawaitable(result):
                            if processed:
                                self._send_acks(processed)
                            await result
                    except Exception as error:  # noqa: BLE001 - the application's own, and its message's fate
                        self._failed(message, error)
                        continue
                    if automatic and self._ended is None and self._acks is not None:
                        sequence = message.sequence
                        processed.append(sequence)
                        if sequence > self.last_sequence:
                            self.last_sequence = sequence
                        if self._unacknowledged:
                            self._unacknowledged.discard(sequence)
            finally:
                if processed:
                    self._send_acks(processed)
            if not left:
                await asyncio.sleep(0)

    def _failed(self, message: Message, error: Exception) -> None:
        self.last_error = error
        self._unacknowledged.add(message.sequence)
        log.error("callback of the subscription to %r failed on %r", self.channel, message, exc_info=error)

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Message:
        """Return the next message; acknowledge the one before unless `manual_ack`.

        Ends when the subscription or the client is closed; raises `ConnectionLost` when the client
        is gone for good, and `MessageTimeout` when none has come within `next_timeout`.
        """
        if self._callback is not None:
            raise InvalidOption(
                f"the subscription to {self.channel!r} has a callback: it cannot be iterated too"
            )
        self._let_go()
        while True:
            await in_time(self._arrival(), self.options, self.delivered)
            if self._ended is None or self._kept:
                message = self._next()
                if message is not None:
                    self._in_hand = message
                    return message
                if not self._drain_only:
                    continue
            if self._ended is not None and not isinstance(self._ended, SubscriptionClosed):
                raise self._ended
            raise StopAsyncIteration

    def _let_go(self) -> None:
        message, self._in_hand = self._in_hand, None
        if message is not None and not self.options.manual_ack:
            self._acknowledge(message)

    # Acknowledgements

    def _acknowledge(self, message: Message) -> None:
        if self._ended is None and self._acks is not None:
            sequence = message.sequence
            message._acked = True
            self.last_sequence = max(self.last_sequence, sequence)
            self._unacknowledged.discard(sequence)
            self._send_acks([sequence])

    def _send_acks(self, sequences: list[int]) -> None:
        """Send the acknowledgements, and empty the list."""
        if self._acks is not None:
            self._write_buffer.send(self._acks.frames(sequences), len(sequences))
        sequences.clear()

    async def ack(self, message: Message) -> None:
        """Acknowledge a message, as `Message.ack` does."""
        what = f"ack of {self.channel}:{message.sequence}"
        if not self.options.manual_ack:
            raise NotManualAck(
                f"{what}: the subscription acknowledges by itself; subscribe with manual_ack=True"
            )
        if message._acked:
            raise AlreadyAcked(f"{what}: it was acknowledged before")
        if self._ended is not None:
            raise self._ended
        self._acknowledge(message)
        if self._write_buffer.congested:
            await self._link.drain()

    # The end

    async def close(self, *, drain: bool = False) -> None:
        """End the subscription; a durable keeps its place and resumes when subscribed again.

        Waits for the callback that runs now and sends its ack (unless the callback itself closes:
        then that message is not acknowledged); with `drain` the callback first gets all messages
        that have arrived. What is not handed over, and the message in hand of an ``async for``,
        is not acknowledged. After `CloseTimeout` or `NoActiveServer` it can be called again; when
        it is closed already, `SubscriptionClosed` is raised.
        """
        await self._finish(drain, unsubscribe=False)

    async def unsubscribe(self, *, drain: bool = False) -> None:
        """Close like `close`, and remove a durable with its position. May raise `UnsubscribeTimeout`."""
        await self._finish(drain, unsubscribe=True)

    async def _finish(self, drain: bool, unsubscribe: bool) -> None:
        if self._ended is not None:
            raise SubscriptionClosed(
                f"the subscription to {self.channel!r} is closed already"
            ) from self._ended
        await self.settle(drain)
        self._write_buffer.flush()
        await self._registry.end(self, unsubscribe)
        self.end(SubscriptionClosed(f"the subscription to {self.channel!r} is closed"))

    async def settle(self, drain: bool) -> None:
        """Take no more, and wait for the end of the delivering task, unless it is the caller."""
        self._drain_only = True
        self.buffer.takes_more = False
        if self._callback is None or not drain:
            self._kept.clear()
        self.buffer.wake()
        if self._task is not None and self._task is not asyncio.current_task():
            await asyncio.wait([self._task])

    def end(self, reason: StanError) -> None:
        """Hand over no more; an ``async for`` ends, or raises `reason` unless the owner closed it."""
        if self._ended is None:
            self._ended = reason
            self.buffer.takes_more = False
            self._kept.clear()
        self.buffer.wake()
        self._registered.set()

    def cancel(self) -> None:
        """Cancel the delivering task, unless it is the caller."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def stopped(self) -> None:
        """Cancel the delivering task, even within the application's callback, and wait for its end."""
        self.cancel()
        if self._task is not None and self._task is not asyncio.current_task():
            await asyncio.wait([self._task])

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._let_go()
        if self._ended is None:
            await self.close()
