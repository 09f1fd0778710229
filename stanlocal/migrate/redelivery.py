"""The check that a consumer delivers what is unacknowledged first, and then the next message."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from stanlocal.migrate.jetstream.connection import JetStream
from stanlocal.migrate.jetstream.pulling import Puller
from stanlocal.migrate.stream_plan import ConsumerPlan, StreamPlan

_BATCH = 100
_TIMERS_S = 2.0
"""Seconds by which the server may notice late that an ack wait has passed."""
_GRACE_S = 10.0
"""Seconds within which the server delivers what is due."""


@dataclass(slots=True)
class Redelivery:
    """The deliveries of a consumer, compared with what its durable would have delivered."""

    consumer: str
    stream: str
    unacknowledged: int
    """Number of messages that had to come again."""
    problems: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "consumer": self.consumer,
            "unacknowledged": self.unacknowledged,
            "ok": not self.problems,
            "problems": self.problems,
        }


async def check_redelivery(stream: StreamPlan, consumer: ConsumerPlan, server: JetStream) -> Redelivery:
    """Let the ack wait pass, then consume and acknowledge up to the first message that was never delivered.

    Before, a consumer that has not as many messages in flight as it may delivers new ones. This moves the
    consumer: for a rehearsal only. Raises `JetStreamError`.
    """
    found = Redelivery(consumer.name, stream.name, len(consumer.pending))
    reader = Puller(server, stream.name, consumer.name)
    if consumer.pending:
        await asyncio.sleep(consumer.durable.ack_wait / 1e9 + _TIMERS_S)
    wanted = list(consumer.pending)
    has_next = consumer.delivered < stream.channel.last_sequence
    again: list[int] = []
    async with reader:
        while len(again) < len(wanted):
            got = await reader.pull(min(_BATCH, len(wanted) - len(again)), _GRACE_S)
            again += got
            if not got:
                break
        following = await reader.pull(1, _GRACE_S) if has_next and len(again) == len(wanted) else []
    missing, foreign = set(wanted) - set(again), set(again) - set(wanted)
    if missing:
        found.problems.append(f"{len(missing)} unacknowledged messages did not come again: {_some(missing)}")
    if foreign:
        found.problems.append(f"{len(foreign)} others came before them: {_some(foreign)}")
    if len(set(again)) < len(again):
        found.problems.append(f"{len(again) - len(set(again))} came twice, though they were acknowledged")
    came = following[0] if following else None
    if has_next and not missing and (came is None or came <= consumer.delivered):
        found.problems.append(f"then came {came or 'nothing'}, not what follows {consumer.delivered}")
    return found


def _some(sequences: set[int]) -> str:
    return ", ".join(map(str, sorted(sequences)[:5])) + (", …" if len(sequences) > 5 else "")
