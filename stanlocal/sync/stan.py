"""The STAN client without ``async``; see `stanlocal.stan`.

Callbacks run one at a time for each subscription, in a thread of their own, and may block and make calls
of their client.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import ParamSpec

from stanlocal.stan import ack, client, connecting, errors, message, subscription
from stanlocal.stan.errors import StanError
from stanlocal.stan.start import (
    NEW_ONLY,
    DeliverAll,
    LastReceived,
    NewOnly,
    StartPosition,
    StartSequence,
    StartTime,
    StartTimeDelta,
)
from stanlocal.sync import portal
from stanlocal.sync.mirror import OnLoop, Same, blocking

P = ParamSpec("P")


class PublishAck(OnLoop[ack.PublishAck]):
    """The ack of a published message: `result()` returns its guid once it is stored."""

    guid = Same[str]()
    channel = Same[str]()
    payload = Same[bytes]()
    done = Same[Callable[[], bool]]()

    def result(self) -> str:
        """Wait for the message's guid and return it; raise what `Client.publish` raises."""
        return portal.PORTAL.run(self._usable)

    def cancel(self) -> None:
        """Give up waiting; see the original."""
        portal.PORTAL.loop().call_soon_threadsafe(self._usable.cancel)


class Message(OnLoop[message.Message]):
    """One delivery of one stored message."""

    channel = Same[str]()
    sequence = Same[int]()
    data = Same[bytes]()
    timestamp = Same[int]()
    time = Same[datetime]()
    redelivered = Same[bool]()
    redelivery_count = Same[int]()
    ack = blocking(message.Message.ack)


Callback = Callable[[Message], object]


class Subscription(OnLoop[subscription.Subscription]):
    """A subscription to one channel, with a callback or as an iterator; see the original.

    ``with`` acknowledges the message in hand and closes when the block ends well; when it raises, it
    only closes.
    """

    channel = Same[str]()
    pending = Same[int]()
    delivered = Same[int]()
    last_sequence = Same[int]()
    last_error = Same[BaseException | None]()
    is_open = Same[bool]()
    close = blocking(subscription.Subscription.close)
    unsubscribe = blocking(subscription.Subscription.unsubscribe)

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        """Wait for the next message and return it; acknowledge the one before unless `manual_ack`."""
        found = portal.PORTAL.run(portal.next_of(self._usable))
        if found is None:
            raise StopIteration
        return Message.of(found[0])

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        portal.PORTAL.run(self._usable.__aexit__(kind, error, trace))


class Client(OnLoop[client.Client]):
    """A registered STAN client, for any thread; ``with`` closes it."""

    client_id = Same[str]()
    cluster_id = Same[str]()
    connected_url = Same[str]()
    is_closed = Same[bool]()
    unacknowledged = Same[int]()
    publish = blocking(client.Client.publish)
    publish_async = blocking(client.Client.publish_async, PublishAck.of)
    publish_batch = blocking(client.Client.publish_batch)
    flush = blocking(client.Client.flush)
    close = blocking(client.Client.close)

    def subscribe(
        self,
        channel: str,
        callback: Callback | None = None,
        *,
        start: StartPosition = NEW_ONLY,
        durable_name: str = "",
        queue_group: str = "",
        manual_ack: bool = False,
        ack_wait: int = 30,
        max_inflight: int = 1024,
        next_timeout: float | None = None,
    ) -> Subscription:
        # The one method whose types are others: its callback takes a blocking message.
        subscribing = self._usable.subscribe(
            channel,
            _in_thread(callback) if callback is not None else None,
            start=start,
            durable_name=durable_name,
            queue_group=queue_group,
            manual_ack=manual_ack,
            ack_wait=ack_wait,
            max_inflight=max_inflight,
            next_timeout=next_timeout,
        )
        return Subscription.of(portal.PORTAL.run(subscribing))

    subscribe.__doc__ = client.Client.subscribe.__doc__

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        portal.PORTAL.run(self._usable.__aexit__(kind, error, trace))


def _in_thread(callback: Callback) -> subscription.Callback:
    async def deliver(delivered: message.Message) -> None:
        await portal.PORTAL.call(lambda: callback(Message.of(delivered)))

    return deliver


def _blocking_connect(connect: Callable[P, connecting.Connecting]) -> Callable[P, Client]:
    @functools.wraps(connect)
    def call(*args: P.args, **kwargs: P.kwargs) -> Client:
        return Client.of(portal.PORTAL.run(connect(*args, **kwargs)))

    return call


connect = _blocking_connect(connecting.connect)

__all__ = [
    # the client
    "Client",
    "Message",
    "PublishAck",
    "Subscription",
    "connect",
    # where a subscription begins
    "DeliverAll",
    "LastReceived",
    "NewOnly",
    "StartPosition",
    "StartSequence",
    "StartTime",
    "StartTimeDelta",
    # what goes wrong
    "StanError",
    "errors",
]
