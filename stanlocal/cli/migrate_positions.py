"""`migrate positions`: brings consumers to the positions of their durables."""

from __future__ import annotations

from typing import Any

import click

from stanlocal.cli import aio, columns
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.migrate_source import Source, source_of_migration
from stanlocal.cli.migrate_target import Target, target_of_migration


@click.command()
@source_of_migration
@target_of_migration
@pass_context
def positions(context: Context, source: Source, target: Target) -> None:
    """Bring consumers to the positions that the durables of STORE have reached since the pack was made.

    Run it when the subscribers have stopped on NATS Streaming, and the streams have every message that a
    durable has had ('migrate relay'). Unacknowledged messages are delivered first.
    """
    from stanlocal.migrate.positions import move_to_consumers

    plan, _ = source.plan(context)
    connection = target.connected()

    async def work() -> None:
        async with connection as server:
            for stream in plan.streams:
                if stream.consumers:
                    await move_to_consumers(stream, server)

    aio.run(work())
    moved = [
        {"stream": stream.name, **consumer.document()}
        for stream in plan.streams
        for consumer in stream.consumers
    ]
    if context.json:
        context.print_json({"to": target.url, "consumers": moved})
        return
    fields = ("stream", "consumer", "ack_floor", "delivered", "pending_count")
    rows: list[tuple[Any, ...]] = [tuple(each[field] for field in fields) for each in moved]
    columns.show(("STREAM", "CONSUMER", "ACKED UP TO", "DELIVERED UP TO", "UNACKED"), rows, right=(2, 3, 4))
