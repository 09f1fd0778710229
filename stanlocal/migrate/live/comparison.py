"""The comparisons of channels with streams after each cut-over of a rehearsal, message by message."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stanlocal.errors import JetStreamError
from stanlocal.migrate.jetstream.connection import JetStream
from stanlocal.migrate.jetstream.reading import read_stream
from stanlocal.migrate.messages import messages_of
from stanlocal.migrate.plan import MigrationPlan
from stanlocal.migrate.verify import StreamVerdict, compare_messages
from stanlocal.util.format import counted

Problem = Callable[[str], None]
"""Callback that takes a sentence on what differs."""


async def compare(plan: MigrationPlan, server: JetStream, last: Mapping[str, int], problem: Problem) -> int:
    """Compare every message of the channels with the streams; return how many are equal.

    `last` has the sequences up to which channels are compared, as streams have gone on. Raises
    `StoreRefused` and `JetStreamError`.
    """
    equal = 0
    for stream in plan.streams:
        result = StreamVerdict(stream.name, stream.subject)
        end = last.get(stream.subject, stream.channel.last_sequence)
        await compare_messages(plan, stream, server, result, end)
        for kind, count in result.differences.counts.items():
            first = next(each.detail for each in result.differences.listed if each.kind is kind)
            problem(f"stream {stream.name}: {counted(count, 'difference')} ({kind.value}): {first}")
        equal += result.equal
    return equal


async def compare_back(
    plan: MigrationPlan, server: JetStream, last: Mapping[str, int], problem: Problem
) -> int:
    """Compare what streams got behind `last` with the channels by sequence and data; return how many equal.

    Raises `StoreRefused` and `JetStreamError`.
    """
    equal = 0
    for stream in plan.streams:
        if stream.subject not in last:
            continue
        info = await server.stream(stream.name)
        if info is None:
            raise JetStreamError(f"{server.url} has no stream {stream.name} any more; see its log")
        begin, end = last[stream.subject] + 1, int(info["state"]["last_seq"])
        returned = {
            sequence: data
            for batch in messages_of(plan.inventory.store, stream)
            for sequence, _, data in batch
            if begin <= sequence <= end
        }
        async for found in read_stream(server, stream.name, begin, end):
            for each in found:
                if returned.pop(each.sequence, None) == each.data:
                    equal += 1
                else:
                    problem(f"channel {stream.subject}: {each.sequence} is not the stream's")
        if returned:
            problem(f"channel {stream.subject}: {len(returned)} messages are not in the stream")
    return equal
