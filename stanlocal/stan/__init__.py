"""STAN (NATS Streaming) client for any STAN server, made for failover.

::

    async with stan.connect("nats://127.0.0.1:4222", cluster_id="test-cluster", client_id="me") as client:
        await client.publish("orders", b"1")
        subscription = await client.subscribe("orders", start=stan.DeliverAll())
        async for message in subscription:
            print(message.sequence, message.data)

Delivery is at least once. The names below load what they need when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stanlocal.stan import errors
    from stanlocal.stan.ack import PublishAck
    from stanlocal.stan.client import Client
    from stanlocal.stan.connecting import connect
    from stanlocal.stan.errors import StanError
    from stanlocal.stan.message import Message
    from stanlocal.stan.start import (
        DeliverAll,
        LastReceived,
        NewOnly,
        StartPosition,
        StartSequence,
        StartTime,
        StartTimeDelta,
    )
    from stanlocal.stan.subscription import Subscription

__all__ = [
    # the client
    "Client",
    "Message",
    "PublishAck",
    "Subscription",
    "connect",
    # start positions
    "DeliverAll",
    "LastReceived",
    "NewOnly",
    "StartPosition",
    "StartSequence",
    "StartTime",
    "StartTimeDelta",
    # errors
    "StanError",
    "errors",
]

_HOMES = {
    "Client": "client",
    "Message": "message",
    "PublishAck": "ack",
    "StanError": "errors",
    "Subscription": "subscription",
    "connect": "connecting",
} | dict.fromkeys(
    (
        "DeliverAll",
        "LastReceived",
        "NewOnly",
        "StartPosition",
        "StartSequence",
        "StartTime",
        "StartTimeDelta",
    ),
    "start",
)


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module(f"{__name__}.errors")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
