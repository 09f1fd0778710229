"""Positions of durables and consumers: read on one side, and brought about on the other.

A position is reached by consuming up to it and acknowledging what was acknowledged. So it is exact,
unacknowledged messages included, whatever the server's version.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stanlocal.errors import JetStreamError, WaitTimeout
from stanlocal.migrate.inventory import Durable
from stanlocal.migrate.jetstream.connection import JetStream
from stanlocal.migrate.jetstream.pending import pending_of
from stanlocal.migrate.jetstream.publishing import ConsumerPosition
from stanlocal.migrate.stream_plan import StreamPlan
from stanlocal.util.printable import printable

if TYPE_CHECKING:
    from stanlocal.stan.client import Client
    from stanlocal.stan.message import Message

_IN_FLIGHT = 1024
_ACK_WAIT_S = 1
"""Seconds after which the STAN server sends again what was lost on its way."""
_REACHED_S = 30.0
_SETTLED_S, _PAUSE_S = 5.0, 0.05


async def move_to_consumers(stream: StreamPlan, server: JetStream) -> None:
    """Bring a stream's consumers to the positions of their durables; raises `JetStreamError`.

    The stream has to have every message that a durable has had. A consumer that is elsewhere is made again.
    """
    if await server.stream(stream.name) is None:
        raise JetStreamError(f"{server.url} has no stream {stream.name}; load the pack first")
    info = await server.ask(f"STREAM.INFO.{stream.name}", {"deleted_details": True})
    state = info["state"]
    for consumer in stream.consumers:
        packed = {"config": consumer.config(), "state": consumer.state(time.time_ns())}
        position = ConsumerPosition(packed)
        if position.delivered > state["last_seq"]:
            raise JetStreamError(
                f"stream {stream.name} ends at {state['last_seq']}, and {consumer.name} has had messages up "
                f"to {position.delivered}; relay the channel first"
            )
        position.count_all(state["first_seq"], state.get("deleted") or ())
        await position.bring_up(stream.name, server, at_once=True)


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a consumer."""

    delivered: int
    """Highest sequence that was delivered."""
    pending: frozenset[int]
    """Sequences that are delivered and not acknowledged."""


async def position_of(server: JetStream, stream: str, consumer: str) -> Position:
    """Return a consumer's position, once the server has written down which messages are unacknowledged.

    Raises `JetStreamError`, also where the server does not say which ones they are.
    """
    end = time.monotonic() + _SETTLED_S
    while True:
        info = await server.consumer(stream, consumer)
        if info is None:
            raise JetStreamError(
                f"stream {stream} has no consumer {consumer}; see 'nats consumer ls {stream}'"
            )
        pending: frozenset[int] = frozenset()
        if info["num_ack_pending"]:
            pending = (await pending_of(server, stream) or {}).get(consumer, pending)
        if len(pending) == info["num_ack_pending"]:
            return Position(info["delivered"]["stream_seq"], pending)
        if time.monotonic() > end:
            raise JetStreamError(
                f"{server.url} says how many messages of consumer {consumer} are unacknowledged, not which; "
                "let its programs acknowledge them first"
            )
        await asyncio.sleep(_PAUSE_S)


async def move_to_durable(client: Client, channel: str, durable: Durable, to: Position) -> bool:
    """Bring a durable, which no client uses, to a position at or behind its own; return False if it is there.

    `client` is the one that the durable belongs to, or any for a queue group. A server that is killed
    meanwhile may lose acknowledgements: so call it again with the durable as it is then, until it is there.
    Raises `StanError`, and `WaitTimeout` when the server does not deliver what the position includes.
    """
    missing = {*durable.pending, *range(durable.last_sent + 1, to.delivered + 1)} - to.pending
    missing = {each for each in missing if each <= to.delivered}
    if not missing:
        return False
    unacknowledged: list[Message] = []
    arrived = asyncio.Event()

    def take(message: Message) -> None:
        unacknowledged.append(message)
        arrived.set()

    subscription = await client.subscribe(
        channel,
        take,
        durable_name=durable.durable_name,
        queue_group=durable.queue_group,
        manual_ack=True,
        ack_wait=_ACK_WAIT_S,
        max_inflight=_IN_FLIGHT + len(to.pending),
    )
    try:
        async with asyncio.timeout(_REACHED_S):
            while missing:
                await arrived.wait()
                arrived.clear()
                for message in _taken(unacknowledged, to.pending):
                    if message.sequence <= to.delivered:
                        await message.ack()
                        missing.discard(message.sequence)
    except TimeoutError as error:
        raise WaitTimeout(
            f"channel {printable(channel)} did not deliver {len(missing)} messages to "
            f"{printable(durable.label)} within {_REACHED_S:g} s",
            {},
        ) from error
    finally:
        if subscription.is_open:
            await subscription.close()
    return True


def _taken(messages: list[Message], keep: Collection[int]) -> list[Message]:
    """Take out the messages that are to be acknowledged."""
    found = [message for message in messages if message.sequence not in keep]
    messages.clear()
    return found
