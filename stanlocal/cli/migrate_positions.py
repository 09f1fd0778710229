"""`migrate positions`: consumers go on where their durables are by now."""

from __future__ import annotations

from typing import Any

import click

from stanlocal.cli import aio, columns
from stanlocal.cli.context import Context, pass_context
from stanlocal.cli.login_options import Login, login_options
from stanlocal.cli.migrate_source import Source, source_of_migration


@click.command()
@source_of_migration
@click.option("--to", "url", required=True, metavar="URL", help="The JetStream server, or URL[,URL].")
@login_options
@pass_context
def positions(context: Context, source: Source, url: str, login: Login) -> None:
    """Bring consumers to where the durables of STORE are by now, which went on since the pack was made.

    For the moment at which subscribers have stopped on NATS Streaming: the streams have to have every message
    that a durable has had (`relay`). What is unacknowledged is delivered first.
    """
    from stanlocal.access.nats_options import nats_options
    from stanlocal.migrate.jetstream.connection import connected
    from stanlocal.migrate.positions import move_to_consumers

    plan, _ = source.plan(context)
    access = nats_options(login.access())

    async def work() -> None:
        async with connected(url, access) as server:
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
        context.print_json({"to": url, "consumers": moved})
        return
    fields = ("stream", "consumer", "ack_floor", "delivered", "pending_count")
    rows: list[tuple[Any, ...]] = [tuple(each[field] for field in fields) for each in moved]
    columns.show(("STREAM", "CONSUMER", "ACKED UP TO", "DELIVERED UP TO", "UNACKED"), rows, right=(2, 3, 4))
