"""A message as a subscription delivers it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Acknowledger(Protocol):
    """The subscription that delivered a message, as far as the message needs it."""

    @property
    def channel(self) -> str:
        """The channel."""

    async def ack(self, message: Message) -> None:
        """Acknowledge the message."""


class Message:
    """One delivery of one stored message.

    The same message can come again, with `redelivered` set, when its ack was not seen in time; after
    a failover also without it. `(channel, sequence)` names the message whatever its delivery.
    """

    __slots__ = (
        "_acked",
        "_subscription",
        "data",
        "redelivered",
        "redelivery_count",
        "sequence",
        "timestamp",
    )

    def __init__(
        self,
        subscription: Acknowledger,
        sequence: int,
        data: bytes,
        timestamp: int,
        redelivered: bool,
        redelivery_count: int,
    ) -> None:
        self._subscription = subscription
        self._acked = False
        self.sequence = sequence
        """Position in the channel, from 1."""
        self.data = data
        """The published bytes."""
        self.timestamp = timestamp
        """Time at which the server stored it: nanoseconds since 1970, UTC."""
        self.redelivered = redelivered
        """Whether the server delivered it before."""
        self.redelivery_count = redelivery_count
        """Number of redeliveries by the server; counted from zero again after a failover."""

    @property
    def channel(self) -> str:
        """The channel it was published to."""
        return self._subscription.channel

    @property
    def time(self) -> datetime:
        """`timestamp` as a datetime in UTC, cut to microseconds."""
        seconds, nanoseconds = divmod(self.timestamp, 1_000_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)

    async def ack(self) -> None:
        """Acknowledge it, on a subscription with `manual_ack`.

        The ack is written at once but not itself acknowledged: one that gets lost makes the message
        come again. Raises `NotManualAck`, `AlreadyAcked`, `SubscriptionClosed`, `ConnectionClosed`
        or `ConnectionLost`, and then sends nothing.
        """
        await self._subscription.ack(self)

    def __repr__(self) -> str:
        again = f" redelivered={self.redelivery_count}" if self.redelivered else ""
        return f"<Message {self.channel}:{self.sequence} {len(self.data)} bytes{again}>"
