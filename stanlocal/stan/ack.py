"""The awaitable that stands for a published message."""

from __future__ import annotations

import asyncio


class PublishAck(asyncio.Future[str]):
    """Await it for the message's guid, once stored; it raises what `Client.publish` raises.

    Cancelling it gives up waiting: a message that was sent may be stored all the same, one that was
    not is never sent.
    """

    __slots__ = ("again_at", "channel", "deadline", "expected", "payload", "published")

    channel: str
    """The channel."""
    payload: bytes
    """The published bytes."""
    expected: bytes
    """The ack as the server sends it: the guid as the first field of a `PubAck`, and nothing else."""
    published: float
    """Moment of the call by `time.monotonic`, in seconds; `deadline` and `again_at` likewise."""
    deadline: float
    """Moment at which the publish fails without an ack."""
    again_at: float
    """Moment at which, with `retry`, an unanswered message is sent again on an intact connection."""

    @property
    def guid(self) -> str:
        """The message's unique id, as the server acknowledges it."""
        return self.expected[2:].decode()
